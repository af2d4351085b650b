//! Removing a tree by descriptors, so that no link in it leads anywhere else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

/// Directories within directories that are removed; a deeper tree is refused.
const DEPTH_MAX: usize = 1024;

/// Removes `name` in `parent` with everything below it; fine if it is not there.
pub(crate) fn tree(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    below(parent, name, DEPTH_MAX)
}

fn below(parent: BorrowedFd<'_>, name: &[u8], depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(Errno::NAMETOOLONG.into());
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
            below(directory.as_fd(), name, depth - 1)?;
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}
