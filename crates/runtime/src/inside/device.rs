//! Device nodes and links below the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dev, FileType, Gid, Mode, Uid, chownat, makedev, mknodat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::{mount, target};
use crate::failure::{Context, CreateError};
use crate::plan::{Device, DeviceKind, Link};

/// Makes all nodes. Where the kernel forbids that (user namespaces) the host's nodes are bound instead.
pub(super) fn make_all(root: BorrowedFd<'_>, devices: &[Device]) -> Result<(), CreateError> {
    let mut parents = Parents { root, last: None };
    devices.iter().try_for_each(|device| make(&mut parents, device))
}

fn make(parents: &mut Parents<'_>, device: &Device) -> Result<(), CreateError> {
    let (parent, name) = parents.of(&device.path)?;
    let kind = match device.kind {
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
        DeviceKind::Fifo => FileType::Fifo,
    };
    let number: Dev = makedev(device.major, device.minor);
    match mknodat(parent, name, kind, Mode::from_raw_mode(device.mode), number) {
        Ok(()) => {}
        // The image or an earlier mount brings it, as with a bound /dev.
        Err(Errno::EXIST) => return Ok(()),
        Err(Errno::PERM) => return bind(parents.root, device),
        Err(error) => Err(error).internal(|| format!("mknod {}", device.path.display()))?,
    }
    if (device.uid, device.gid) == (0, 0) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(device.uid), Gid::from_raw(device.gid));
    chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
        .internal(|| format!("chown {}", device.path.display()))
}

fn bind(root: BorrowedFd<'_>, device: &Device) -> Result<(), CreateError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let host = device.host_path.as_ref().unwrap_or(&device.path);
    let tree = open_tree(CWD, host, flags).invalid(|| format!("bind device {}", host.display()))?;
    let at = target::file(root, &device.path)?;
    mount::attach(tree.as_fd(), at.as_fd()).internal(|| format!("bind device {}", device.path.display()))
}

/// Makes all links; a name that exists stays as it is.
pub(super) fn link_all(root: BorrowedFd<'_>, links: &[Link]) -> Result<(), CreateError> {
    let mut parents = Parents { root, last: None };
    for link in links {
        let (parent, name) = parents.of(&link.path)?;
        match symlinkat(&link.target, parent, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => Err(error).internal(|| format!("link {}", link.path.display()))?,
        }
    }
    Ok(())
}

/// Most names are in `/dev`: its descriptor is kept from one to the next.
struct Parents<'root> {
    root: BorrowedFd<'root>,
    last: Option<(PathBuf, OwnedFd)>,
}

impl Parents<'_> {
    fn of<'path>(&mut self, path: &'path Path) -> Result<(BorrowedFd<'_>, &'path std::ffi::OsStr), CreateError> {
        let above = path.parent().unwrap_or(Path::new("/"));
        let name = path
            .file_name()
            .ok_or_else(|| CreateError::invalid(format!("{path:?} has no name")))?;
        if self.last.as_ref().is_none_or(|(last, _)| last != above) {
            self.last = Some((above.to_path_buf(), target::directory(self.root, above)?));
        }
        let (_, descriptor) = self.last.as_ref().expect("it was filled just above");
        Ok((descriptor.as_fd(), name))
    }
}
