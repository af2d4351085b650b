//! A read-only overlay of some directories as a detached mount: its root's descriptor is all there is of it, so
//! it is in nobody's mount table and ends when the descriptor is closed.
//!
//! Linux 6.7 takes the layers one by one. Before, they must be one option: by fsconfig(2) at most 255 bytes, so a
//! thread with a mount namespace of its own uses mount(2) (one page, relative names) and takes a detached clone.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use corten_sys::overlay::set_directory;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, open_tree,
};

use super::{Snapshot, SnapshotError};

/// What an overlay is mounted with besides its layers: renamed directories of foreign layers are not followed.
const REDIRECT: (&str, &str) = ("redirect_dir", "nofollow");

/// Mounts `layers`, topmost first, at least two of them (as overlay wants without an upper directory), all beside or
/// below `layers_root`.
pub(super) fn mount(layers_root: &Path, layers: &[PathBuf]) -> Result<OwnedFd, SnapshotError> {
    let mounted = if corten_sys::overlay::takes_layers_one_by_one() {
        by_file_system_context(layers)
    } else {
        in_own_namespace(layers_root, layers)
    };
    mounted.map_err(|error| SnapshotError::io("view", layers_root)(error.into()))
}

/// Mounts a snapshot on its own work directory; returns the root.
pub(super) fn mount_writable(snapshot: &Snapshot) -> Result<OwnedFd, SnapshotError> {
    let mounted = if corten_sys::overlay::takes_layers_one_by_one() {
        writable_by_context(snapshot)
    } else {
        writable_by_string(snapshot)
    };
    mounted.map_err(|error| SnapshotError::io("mount", &snapshot.upper)(error.into()))
}

/// As containers are mounted: what differs between two mounts of one writable layer could be lost.
const WRITABLE: [(&str, &str); 2] = [REDIRECT, ("index", "off")];

fn writable_by_context(snapshot: &Snapshot) -> rustix::io::Result<OwnedFd> {
    let context = fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for layer in &snapshot.lower {
        set_directory(context.as_fd(), "lowerdir+", layer).map_err(|error| raw(&error))?;
    }
    set_directory(context.as_fd(), "upperdir", &snapshot.upper).map_err(|error| raw(&error))?;
    set_directory(context.as_fd(), "workdir", &snapshot.work).map_err(|error| raw(&error))?;
    for (key, value) in WRITABLE {
        fsconfig_set_string(&context, key, value)?;
    }
    fsconfig_create(&context)?;
    let root = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(&root, "", rustix::fs::CWD, &snapshot.work, flags)?;
    Ok(root)
}

fn writable_by_string(snapshot: &Snapshot) -> rustix::io::Result<OwnedFd> {
    let lower: Option<Vec<String>> = snapshot
        .lower
        .iter()
        .map(|layer| relative(&snapshot.layers_root, layer))
        .collect();
    let beside = |path: &Path| relative(&snapshot.layers_root, path).ok_or(Errno::INVAL);
    let options = format!(
        "lowerdir={},upperdir={},workdir={},{}={},{}={}",
        lower.ok_or(Errno::INVAL)?.join(":"),
        beside(&snapshot.upper)?,
        beside(&snapshot.work)?,
        WRITABLE[0].0,
        WRITABLE[0].1,
        WRITABLE[1].0,
        WRITABLE[1].1,
    );
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    rustix::process::chdir(&snapshot.layers_root)?;
    let flags = MountFlags::empty();
    rustix::mount::mount("overlay", &snapshot.work, "overlay", flags, Some(options.as_c_str()))?;
    open_tree(rustix::fs::CWD, &snapshot.work, OpenTreeFlags::OPEN_TREE_CLOEXEC)
}

fn by_file_system_context(layers: &[PathBuf]) -> rustix::io::Result<OwnedFd> {
    let context = fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for layer in layers {
        set_directory(context.as_fd(), "lowerdir+", layer).map_err(|error| raw(&error))?;
    }
    fsconfig_set_string(&context, REDIRECT.0, REDIRECT.1)?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn in_own_namespace(layers_root: &Path, layers: &[PathBuf]) -> rustix::io::Result<OwnedFd> {
    let relative: Option<Vec<String>> = layers.iter().map(|layer| relative(layers_root, layer)).collect();
    let options = format!(
        "lowerdir={},{}={}",
        relative.ok_or(Errno::INVAL)?.join(":"),
        REDIRECT.0,
        REDIRECT.1
    );
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    let mount = || {
        corten_sys::clone::unshare(corten_sys::clone::NEW_MOUNT).map_err(|error| raw(&error))?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        // This thread's directory alone: a namespace of its own comes with a working directory of its own.
        rustix::process::chdir(layers_root)?;
        let flags = MountFlags::RDONLY | MountFlags::NODEV;
        rustix::mount::mount("overlay", layers_root, "overlay", flags, Some(options.as_c_str()))?;
        open_tree(
            rustix::fs::CWD,
            layers_root,
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
        )
    };
    std::thread::scope(|scope| scope.spawn(mount).join().unwrap_or(Err(Errno::IO)))
}

/// `<key>/diff`, or `../snapshots/<id>/upper`.
fn relative(layers_root: &Path, layer: &Path) -> Option<String> {
    if let Ok(inside) = layer.strip_prefix(layers_root) {
        return inside.to_str().map(str::to_owned);
    }
    let beside = layer.strip_prefix(layers_root.parent()?).ok()?;
    beside.to_str().map(|path| format!("../{path}"))
}

fn raw(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn older_kernels_way_shows_the_same() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skip: mounting needs root");
            return;
        }
        let place = tempfile::tempdir().expect("temporary directory");
        let root = place.path().join("layers");
        let mut layers = Vec::new();
        for number in 0..100 {
            let layer = root.join(format!("{number:012}/diff"));
            std::fs::create_dir_all(&layer).expect("mkdir");
            std::fs::write(layer.join(format!("file-{number}")), "").expect("write");
            std::fs::write(layer.join("same"), number.to_string()).expect("write");
            layers.push(layer);
        }
        for mount in [by_file_system_context(&layers), in_own_namespace(&root, &layers)] {
            let view = mount.expect("mounts");
            let merged = PathBuf::from(format!("/proc/self/fd/{}", view.as_raw_fd()));
            assert_eq!(std::fs::read_dir(&merged).expect("list").count(), 101);
            assert_eq!(std::fs::read_to_string(merged.join("same")).expect("read"), "0");
            assert!(std::fs::write(merged.join("same"), "x").is_err(), "read-only");
        }
        let table = std::fs::read_to_string("/proc/self/mountinfo").expect("mount table");
        assert!(!table.contains(place.path().to_str().expect("text")));
    }
}
