//! Counting the bytes in a tree: files and symbolic links, each once however many names it has.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

/// The bytes in the tree under `root`.
pub(crate) fn of_tree(root: BorrowedFd<'_>) -> io::Result<u64> {
    let mut linked = HashSet::new();
    of_directory(root, &mut linked)
}

fn of_directory(parent: BorrowedFd<'_>, linked: &mut HashSet<(u64, u64)>) -> io::Result<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, c".", flags, Mode::empty())?;
    let mut sum = 0;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let stat = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            // Gone since the list was read.
            Err(rustix::io::Errno::NOENT) => continue,
            stat => stat?,
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => match rustix::fs::openat(&directory, name, flags, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) => {}
                below => sum += of_directory(below?.as_fd(), linked)?,
            },
            FileType::RegularFile | FileType::Symlink => {
                if stat.st_nlink == 1 || linked.insert((stat.st_dev, stat.st_ino)) {
                    sum += u64::try_from(stat.st_size).unwrap_or(0);
                }
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => {}
        }
    }
    Ok(sum)
}
