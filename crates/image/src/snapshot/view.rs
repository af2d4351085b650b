//! A read-only overlay of some directories as a detached mount: its root's descriptor is all there is of it, so
//! it is in nobody's mount table and ends when the descriptor is closed.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    open_tree,
};

use super::SnapshotError;

/// Mounts `layers`, topmost first, all of them under one file system; `layers_root` only names the errors.
pub(super) fn mount(layers_root: &Path, layers: &[PathBuf]) -> Result<OwnedFd, SnapshotError> {
    let failed = |step| move |error: Errno| SnapshotError::io(step, layers_root)(error.into());
    if let [only] = layers {
        // Overlay without an upper directory wants two lower ones; and for one, a clone of the tree is the same.
        return clone_of(only).map_err(failed("view"));
    }
    let context = fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("open overlay for"))?;
    match add_each(&context, layers) {
        Ok(()) => {}
        // Before Linux 6.7 there is only the joined option.
        Err(Errno::INVAL) => {
            let joined: Vec<&str> = layers.iter().filter_map(|layer| layer.to_str()).collect();
            fsconfig_set_string(&context, "lowerdir", joined.join(":")).map_err(failed("set layers of"))?;
        }
        Err(error) => return Err(failed("set layers of")(error)),
    }
    let set = |key: &str, value: &str| match fsconfig_set_string(&context, key, value) {
        // Not every kernel build knows the option.
        Err(Errno::INVAL) => Ok(()),
        other => other,
    };
    set("redirect_dir", "nofollow").map_err(failed("set options of"))?;
    fsconfig_create(&context).map_err(failed("create overlay of"))?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(failed("mount overlay of"))
}

fn add_each(context: &OwnedFd, layers: &[PathBuf]) -> rustix::io::Result<()> {
    for layer in layers {
        fsconfig_set_string(context, "lowerdir+", layer)?;
    }
    Ok(())
}

fn clone_of(directory: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match open_tree(rustix::fs::CWD, directory, flags) {
        // Without the right to mount, the directory itself serves: it is only read.
        Err(Errno::PERM) => rustix::fs::open(
            directory,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        ),
        tree => tree,
    }
}
