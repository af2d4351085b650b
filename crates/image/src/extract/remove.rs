//! Removing a tree by descriptors, so that no link in it leads anywhere else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

/// Directories within directories that are removed; a deeper tree is refused.
const DEPTH_MAX: usize = 1024;

/// What to do with mounts in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mounts {
    /// There are none.
    None,
    /// They stay, and what they are in.
    Stay,
}

/// Removes `name` in `parent` with everything below it; fine if it is not there.
pub(crate) fn tree(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    below(parent, name, Mounts::None, DEPTH_MAX)
}

/// The same in the root of a container. What is mounted there is neither removed nor entered: EBUSY. The kernel alone
/// refuses only within the mount namespace that it is mounted in; from outside, the mount would go.
pub(crate) fn tree_without_mounts(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    below(parent, name, Mounts::Stay, DEPTH_MAX)
}

/// Whether something is mounted at this name. What is not there is not.
pub(crate) fn is_mounted(parent: BorrowedFd<'_>, name: &[u8]) -> bool {
    let found = rustix::fs::statx(parent, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

fn below(parent: BorrowedFd<'_>, name: &[u8], mounts: Mounts, depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(Errno::NAMETOOLONG.into());
    }
    if mounts == Mounts::Stay && is_mounted(parent, name) {
        return Err(Errno::BUSY.into());
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            below(directory.as_fd(), name, mounts, depth - 1)?;
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}
