//! The container's root: assembled from detached mounts, entered by pivot_root.
//!
//! The new root is attached on top of `/` of the container's own mount namespace, so no directory
//! of the host is needed and none shows it. Sources of bind mounts are cloned before that, from the
//! host's tree as it was. Everything below the root is placed by descriptors resolved inside it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use corten_sys::mount::{ATTR_RDONLY, Change, Depth, change};
use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::mount::{
    MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount,
};

use super::{Talk, device, mount, paths, target};
use crate::failure::{Context, CreateError};
use crate::plan::{Plan, Propagation, Rootfs};
use crate::sources::{self, Source, overlay};

/// An attached root that is not entered yet.
pub(super) struct Assembled {
    /// Its topmost directory.
    pub(super) descriptor: OwnedFd,
    /// Mounts that become read-only at the end.
    late: Vec<OwnedFd>,
}

/// Mounts everything that the plan names, in order.
pub(super) fn assemble(plan: &Plan, talk: &mut Talk) -> Result<Assembled, CreateError> {
    if plan.namespaces.mount.is_private() {
        prepare_tree(plan)?;
    }
    let (prepared, sources) = if sources::are_handed_over(plan) {
        received(plan, talk)?
    } else {
        (None, sources::open_all(&plan.mounts)?)
    };
    let descriptor = attach(plan, prepared)?;
    for link in &plan.root_links {
        // What an image has in their place stays.
        drop(device::link_all(descriptor.as_fd(), std::slice::from_ref(link)));
    }
    let late = mount::place_all(plan, sources, descriptor.as_fd(), talk)?;
    device::make_all(descriptor.as_fd(), &plan.devices)?;
    device::link_all(descriptor.as_fd(), &plan.links)?;
    if plan.process.make_cwd {
        target::working_directory(descriptor.as_fd(), Path::new(&plan.process.cwd))?;
    }
    Ok(Assembled { descriptor, late })
}

/// What the creator has prepared, in the order of [`sources::prepare`].
fn received(plan: &Plan, talk: &mut Talk) -> Result<(Option<OwnedFd>, Vec<Option<Source>>), CreateError> {
    talk.await_go()?;
    let root = match &plan.root.source {
        Rootfs::Overlay { .. } => Some(talk.receive_tree()?),
        Rootfs::Directory(_) => None,
    };
    let receive = |mount| {
        let tree = sources::is_of_host(mount).then(|| talk.receive_tree());
        Ok(tree.transpose()?.map(Source::Finished))
    };
    Ok((
        root,
        plan.mounts.iter().map(receive).collect::<Result<_, CreateError>>()?,
    ))
}

/// Mount events of the container must not reach the host, unless that is asked for.
fn prepare_tree(plan: &Plan) -> Result<(), CreateError> {
    let propagation = plan.root.propagation.unwrap_or(SLAVE);
    let is = |flag: MountPropagationFlags| propagation.flag == u64::from(flag.bits());
    // An unbindable tree could not be cloned below; it becomes so in the end.
    propagate(
        "/",
        if is(MountPropagationFlags::UNBINDABLE) {
            SLAVE
        } else {
            propagation
        },
    )?;
    if is(MountPropagationFlags::SHARED) {
        // Else the new root would appear in the host.
        propagate(
            "/",
            Propagation {
                flag: u64::from(MountPropagationFlags::PRIVATE.bits()),
                recursive: false,
            },
        )?;
    }
    Ok(())
}

impl Assembled {
    /// Hides and protects paths, seals the root and enters it; the host's tree is gone afterwards.
    pub(super) fn finish(self, plan: &Plan) -> Result<(), CreateError> {
        let root = self.descriptor.as_fd();
        paths::write_sysctls(root, &plan.sysctls)?;
        paths::make_readonly(root, &plan.readonly_paths)?;
        paths::mask(root, &plan.masked_paths)?;
        let read_only = Change {
            set: ATTR_RDONLY,
            ..Change::default()
        };
        for late in &self.late {
            change(late.as_fd(), read_only, Depth::One).internal(|| "make a mount read-only")?;
        }
        if plan.root.readonly {
            change(root, read_only, Depth::One).internal(|| "make the root read-only")?;
        }
        if !plan.namespaces.mount.is_private() {
            rustix::process::fchdir(root).internal(|| "enter the root")?;
            return rustix::process::chroot(".").internal(|| "chroot");
        }
        enter(root)?;
        match plan.root.propagation {
            Some(propagation) if propagation.flag != u64::from(MountPropagationFlags::PRIVATE.bits()) => {
                propagate("/", propagation)
            }
            Some(_) | None => Ok(()),
        }
    }
}

const SLAVE: Propagation = Propagation {
    flag: 1 << 19,
    recursive: true,
};

fn propagate(path: &str, propagation: Propagation) -> Result<(), CreateError> {
    let mut flags = MountPropagationFlags::from_bits_retain(propagation.flag as u32);
    if propagation.recursive {
        flags |= MountPropagationFlags::REC;
    }
    rustix::mount::mount_change(path, flags).internal(|| format!("change propagation of {path}"))
}

/// Mounts the root on top of `/`. A container in the host's mount namespace has it on its own directory instead.
fn attach(plan: &Plan, prepared: Option<OwnedFd>) -> Result<OwnedFd, CreateError> {
    let mut at = Path::new("/");
    let tree = match &plan.root.source {
        Rootfs::Directory(path) => {
            if !plan.namespaces.mount.is_private() {
                at = path;
            }
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
            let tree = open_tree(CWD, path, flags);
            tree.invalid(|| format!("invalid rootfs: open {}", path.display()))?
        }
        Rootfs::Overlay { .. } => match (prepared, &plan.root.source) {
            (Some(tree), _) => tree,
            (None, root) => match overlay::mount(root)? {
                overlay::Mounted::Detached(tree) => tree,
                overlay::Mounted::Attached(tree) => return Ok(tree),
            },
        },
    };
    move_mount(tree.as_fd(), "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).internal(|| "attach the root")?;
    Ok(tree)
}

/// `pivot_root(".", ".")` puts the old root on top of the new one; detaching it leaves the new one.
fn enter(root: BorrowedFd<'_>) -> Result<(), CreateError> {
    let old = open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).internal(|| "open /")?;
    rustix::process::fchdir(root).internal(|| "enter the root")?;
    rustix::process::pivot_root(".", ".").internal(|| "pivot_root")?;
    rustix::process::fchdir(&old).internal(|| "enter the old root")?;
    propagate(".", SLAVE)?;
    unmount(".", UnmountFlags::DETACH).internal(|| "detach the old root")?;
    rustix::process::chdir("/").internal(|| "enter /")
}
