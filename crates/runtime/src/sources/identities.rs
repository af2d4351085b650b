//! Whose files are whose: mounts whose identities are mapped (`mount_setattr(2)` with `MOUNT_ATTR_IDMAP`, Linux 5.12).
//!
//! The kernel takes the mapping from a user namespace. That of the container serves for its layers; others are made
//! by a process that does nothing else and ends at once.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use corten_sys::clone::{self as sys, CloneOptions, Cloned};
use corten_sys::mount::{ATTR_IDMAP, Change, Depth, change};
use rustix::process::{Signal, WaitId, WaitIdOptions};

use super::failed;
use crate::failure::{Context, CreateError};
use crate::plan::{IdMapping, Identities, Mount, MountSource};

/// A user namespace, held open.
pub(crate) struct UserNamespace {
    file: OwnedFd,
}

impl UserNamespace {
    pub(crate) fn open(path: &Path) -> Result<Self, CreateError> {
        let file = File::open(path).invalid(|| format!("open user namespace {}", path.display()))?;
        Ok(Self { file: file.into() })
    }

    /// That of a process.
    pub(crate) fn of(pid: u32) -> Result<Self, CreateError> {
        Self::open(Path::new(&format!("/proc/{pid}/ns/user")))
    }

    /// A new one with these mappings that nobody is in.
    fn with(uid_mappings: &[IdMapping], gid_mappings: &[IdMapping]) -> Result<Self, CreateError> {
        let options = CloneOptions {
            namespaces: sys::NEW_USER,
            ..CloneOptions::default()
        };
        match sys::clone3(options).internal(|| "make a user namespace")? {
            Cloned::Child => idle(),
            Cloned::Parent { pid, pidfd } => {
                let made = write_mappings(pid, uid_mappings, gid_mappings).and_then(|()| Self::of(pid));
                rustix::process::pidfd_send_signal(&pidfd, Signal::KILL)
                    .internal(|| "end a user namespace's process")?;
                rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
                    .internal(|| "reap a user namespace's process")?;
                made
            }
        }
    }

    /// The caller is in it from now on.
    pub(crate) fn join(&self) -> Result<(), CreateError> {
        sys::set_namespaces(self.file.as_fd(), sys::NEW_USER).invalid(|| "join user namespace")
    }

    /// Shows the identities on disk as this namespace maps them.
    pub(crate) fn apply(&self, tree: BorrowedFd<'_>, depth: Depth) -> std::io::Result<()> {
        let wanted = Change {
            set: ATTR_IDMAP,
            user_namespace: u64::from(self.file.as_raw_fd().unsigned_abs()),
            ..Change::default()
        };
        change(tree, wanted, depth)
    }
}

/// A process that is only there; it is killed by its creator, or with it.
fn idle() -> ! {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).unwrap_or_default();
    loop {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}

/// Writes the mappings of a process in a fresh user namespace.
pub(crate) fn write_mappings(pid: u32, uids: &[IdMapping], gids: &[IdMapping]) -> Result<(), CreateError> {
    let text = |mappings: &[IdMapping]| -> String {
        mappings
            .iter()
            .map(|map| format!("{} {} {}\n", map.container_id, map.host_id, map.size))
            .collect()
    };
    for (file, mappings) in [("uid_map", uids), ("gid_map", gids)] {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, text(mappings)).internal(|| format!("write {path}"))?;
    }
    Ok(())
}

/// Maps the identities of a cloned tree as the mount wants them.
pub(super) fn map(
    mount: &Mount,
    wanted: &Identities,
    tree: BorrowedFd<'_>,
    user: Option<&UserNamespace>,
) -> Result<(), CreateError> {
    let made;
    let namespace = match (wanted.uid_mappings.is_empty(), user) {
        (false, _) => {
            made = UserNamespace::with(&wanted.uid_mappings, &wanted.gid_mappings)?;
            &made
        }
        (true, Some(user)) => user,
        // What the container calls 0 is 0 on the host.
        (true, None) => return Ok(()),
    };
    let depth = if wanted.recursive { Depth::Recursive } else { Depth::One };
    let path = match &mount.source {
        MountSource::Bind { path, .. } => path.as_path(),
        MountSource::OfProcess { .. } | MountSource::Layers { .. } | MountSource::Filesystem { .. } => Path::new(""),
    };
    namespace.apply(tree, depth).invalid(|| {
        format!(
            "{}: map identities (does its filesystem know idmapped mounts?)",
            failed(mount, path)
        )
    })
}
