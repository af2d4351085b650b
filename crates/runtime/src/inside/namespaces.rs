//! Joining namespaces by path, and what a new one needs first.

use std::fs::File;
use std::os::fd::AsFd;

use corten_sys::clone as sys;
use rustix::process::{Gid, Uid};

use crate::failure::{Context, CreateError};
use crate::plan::{Namespace, Namespaces, Plan};

/// User 0 of a user namespace that was just mapped or joined.
pub(crate) fn become_root() -> Result<(), CreateError> {
    rustix::thread::set_thread_groups(&[]).internal(|| "clear groups")?;
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT).internal(|| "become group 0")?;
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).internal(|| "become user 0")
}

/// The namespaces that are given as paths, opened.
pub(crate) struct Opened(Vec<(&'static str, u64, File)>);

/// Opens everything that is given as a path but user and pid namespace, which are joined before the clone. By the
/// creator: a process in a user namespace may not look at others', and a mount namespace changes what a path means.
pub(crate) fn open_paths(namespaces: &Namespaces) -> Result<Opened, CreateError> {
    let kinds = [
        ("network", &namespaces.network, sys::NEW_NETWORK),
        ("ipc", &namespaces.ipc, sys::NEW_IPC),
        ("uts", &namespaces.uts, sys::NEW_UTS),
        ("cgroup", &namespaces.cgroup, sys::NEW_CGROUP),
        ("time", &namespaces.time, sys::NEW_TIME),
        ("mount", &namespaces.mount, sys::NEW_MOUNT),
    ];
    let mut opened = Vec::new();
    for (name, namespace, flag) in kinds {
        if let Namespace::Path(path) = namespace {
            let file = File::open(path).invalid(|| format!("open {name} namespace {}", path.display()))?;
            opened.push((name, flag, file));
        }
    }
    Ok(Opened(opened))
}

/// Joins what was opened.
pub(super) fn join(opened: &Opened) -> Result<(), CreateError> {
    for (name, flag, file) in &opened.0 {
        sys::set_namespaces(file.as_fd(), *flag).invalid(|| format!("join {name} namespace"))?;
    }
    Ok(())
}

/// The container's view of the control groups begins at its own, so this comes after they are entered.
pub(super) fn unshare_cgroup(namespaces: &Namespaces) -> Result<(), CreateError> {
    match namespaces.cgroup {
        Namespace::New => sys::unshare(sys::NEW_CGROUP).internal(|| "make cgroup namespace"),
        Namespace::Inherit | Namespace::Path(_) => Ok(()),
    }
}

/// Host and domain name, and the loopback interface of a network namespace made here.
pub(super) fn set_names(plan: &Plan) -> Result<(), CreateError> {
    if let Some(name) = &plan.hostname {
        rustix::system::sethostname(name.as_bytes()).invalid(|| format!("set hostname {name:?}"))?;
    }
    if let Some(name) = &plan.domainname {
        rustix::system::setdomainname(name.as_bytes()).invalid(|| format!("set domainname {name:?}"))?;
    }
    if plan.namespaces.network == Namespace::New {
        corten_sys::task::loopback_up().internal(|| "bring lo up")?;
    }
    Ok(())
}
