//! Copying trees between directories by descriptors: owners, modes, times, extended attributes, hard links, holes,
//! links as links, devices as devices. Content is shared where the file system can (`FICLONE`), else copied in the kernel.
//!
//! The source may be in use: no link in it is followed, what a name means is found out by a descriptor that opens
//! nothing (`O_PATH`), nothing but regular files and directories is opened, and what vanishes meanwhile is left out.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, SeekFrom, Stat, Uid, XattrFlags};
use rustix::io::Errno;

use super::SnapshotError;
use crate::layer::modified;

/// Copied by one system call.
const COPY_BYTES: usize = 16 << 20;
/// Directories within directories; each level holds five descriptors.
const DEPTH_MAX: usize = 128;

/// Docker's copy-up of a new volume: if `into` is empty and `path` is a directory below `root` (resolved inside it),
/// copies its content with owners, modes, times, extended attributes, hard links, devices; and gives `into` itself
/// the directory's owner and mode. `owners` says who owns the copy of what a user and a group own. Returns whether something was there to copy from.
///
/// # Errors
/// [`SnapshotError::Io`]; `into` may then be partly filled.
pub fn copy_up(
    root: BorrowedFd<'_>,
    path: &Path,
    into: &Path,
    owners: &dyn Fn(u32, u32) -> (u32, u32),
) -> Result<bool, SnapshotError> {
    let failed = |error: io::Error| SnapshotError::io("copy content to", into)(error);
    let Some(source) = open_source(root, path).map_err(failed)? else {
        return Ok(false);
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = rustix::fs::open(into, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    if !is_empty(&target).map_err(failed)? {
        return Ok(false);
    }
    copy_owned(source.as_fd(), target.as_fd(), owners).map_err(failed)?;
    Ok(true)
}

/// Copies what is in the directory `source` into the directory `target`, and `source`'s own attributes to it.
///
/// # Errors
/// At the first thing that cannot be copied; what was copied before it stays.
pub fn copy_tree(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    copy_owned(source, target, &|uid, gid| (uid, gid))
}

fn copy_owned(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    owners: &dyn Fn(u32, u32) -> (u32, u32),
) -> io::Result<()> {
    Copy {
        owners,
        target_root: target,
        linked: HashMap::new(),
    }
    .directory(source, target, &mut Vec::new())
}

fn open_source(root: BorrowedFd<'_>, path: &Path) -> io::Result<Option<OwnedFd>> {
    let text = path.as_os_str().as_bytes();
    let start = text.iter().position(|&byte| byte != b'/').unwrap_or(text.len());
    let relative = if start == text.len() { b"." } else { &text[start..] };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, relative, flags, Mode::empty(), resolve) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_empty(directory: &OwnedFd) -> io::Result<bool> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !is_dots(entry.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

struct Copy<'a> {
    owners: &'a dyn Fn(u32, u32) -> (u32, u32),
    target_root: BorrowedFd<'a>,
    /// Where the first name of each file with several names went, by device and inode.
    linked: HashMap<(u64, u64), Vec<u8>>,
}

impl Copy<'_> {
    fn directory(&mut self, source: BorrowedFd<'_>, target: BorrowedFd<'_>, path: &mut Vec<Vec<u8>>) -> io::Result<()> {
        if path.len() > DEPTH_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        for entry in Dir::read_from(source)? {
            let entry = entry?;
            let name = entry.file_name();
            if !is_dots(name) {
                path.push(name.to_bytes().to_vec());
                self.entry(source, target, name, path)?;
                path.pop();
            }
        }
        let stat = self.owned(rustix::fs::fstat(source)?);
        rustix::fs::fchown(
            target,
            Some(Uid::from_raw(stat.st_uid)),
            Some(Gid::from_raw(stat.st_gid)),
        )?;
        copy_xattrs(source, target)?;
        rustix::fs::fchmod(target, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        Ok(rustix::fs::futimens(target, &modified(&stat))?)
    }

    /// As the copy is to be.
    fn owned(&self, mut stat: Stat) -> Stat {
        (stat.st_uid, stat.st_gid) = (self.owners)(stat.st_uid, stat.st_gid);
        stat
    }

    fn entry(
        &mut self,
        source: BorrowedFd<'_>,
        target: BorrowedFd<'_>,
        name: &CStr,
        path: &mut Vec<Vec<u8>>,
    ) -> io::Result<()> {
        let by_name = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = match rustix::fs::openat(source, name, by_name, Mode::empty()) {
            // Gone since the directory was read.
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        let stat = self.owned(rustix::fs::fstat(&found)?);
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            rustix::fs::mkdirat(target, name, Mode::RWXU)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let from = rustix::fs::openat(&found, c".", flags, Mode::empty())?;
            let to = rustix::fs::openat(target, name, flags, Mode::empty())?;
            return self.directory(from.as_fd(), to.as_fd(), path);
        }
        if stat.st_nlink > 1 {
            if let Some(first) = self.linked.get(&(stat.st_dev, stat.st_ino)) {
                return Ok(rustix::fs::linkat(
                    self.target_root,
                    &**first,
                    target,
                    name,
                    AtFlags::empty(),
                )?);
            }
            self.linked.insert((stat.st_dev, stat.st_ino), path.join(&b'/'));
        }
        match kind {
            FileType::RegularFile => copy_file(&found, target, name, &stat),
            FileType::Symlink => {
                let link = rustix::fs::readlinkat(&found, c"", Vec::new())?;
                rustix::fs::symlinkat(&link, target, name)?;
                finish_node(target, name, &stat)
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Directory
            | FileType::Unknown => {
                rustix::fs::mknodat(target, name, kind, Mode::RUSR | Mode::WUSR, stat.st_rdev)?;
                finish_node(target, name, &stat)
            }
        }
    }
}

fn copy_file(found: &OwnedFd, target: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    // Known to be a regular file: opening it has no effect.
    let path = format!("/proc/self/fd/{}", found.as_raw_fd());
    let from = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let to = rustix::fs::openat(target, name, create, Mode::RUSR | Mode::WUSR)?;
    copy_content(&from, &to, u64::try_from(stat.st_size).unwrap_or(0))?;
    rustix::fs::fchown(&to, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    copy_xattrs(from.as_fd(), to.as_fd())?;
    rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    Ok(rustix::fs::futimens(&to, &modified(stat))?)
}

/// The first `size` bytes: shared where that can be done, else what is no hole.
fn copy_content(from: &OwnedFd, to: &OwnedFd, size: u64) -> io::Result<()> {
    if size == 0 || rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let mut at = 0;
    while at < size {
        let (start, end) = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            // Nothing but a hole is left.
            Err(Errno::NXIO) => break,
            // The file system does not know of holes.
            Err(_) => (at, size),
            Ok(start) => (start, rustix::fs::seek(from, SeekFrom::Hole(start)).unwrap_or(size)),
        };
        copy_range(from, to, start, end.min(size))?;
        at = end;
    }
    Ok(rustix::fs::ftruncate(to, size)?)
}

/// In the kernel where it can be done there, else through memory. Less if the file is shorter by now.
fn copy_range(from: &OwnedFd, to: &OwnedFd, start: u64, end: u64) -> io::Result<()> {
    let (mut read_at, mut write_at) = (start, start);
    while read_at < end {
        let length = usize::try_from(end - read_at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        match rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), length) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let mut source = std::fs::File::from(from.try_clone()?);
                let mut target = std::fs::File::from(to.try_clone()?);
                source.seek(io::SeekFrom::Start(read_at))?;
                target.seek(io::SeekFrom::Start(write_at))?;
                return io::copy(&mut source.take(end - read_at), &mut target).map(drop);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Owner, mode and times of what cannot be opened.
fn finish_node(target: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    let owner = (Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)));
    rustix::fs::chownat(target, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        rustix::fs::chmodat(
            target,
            name,
            Mode::from_raw_mode(stat.st_mode & 0o7777),
            AtFlags::empty(),
        )?;
    }
    Ok(rustix::fs::utimensat(
        target,
        name,
        &modified(stat),
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

/// All attributes but overlayfs's own; what the target's file system cannot hold is left out, as Docker does.
fn copy_xattrs(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    let mut names = vec![0u8; 64 << 10];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut value = vec![0u8; 64 << 10];
    for name in names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") {
            continue;
        }
        let length = match rustix::fs::fgetxattr(from, name, &mut value[..]) {
            Ok(length) => length,
            Err(Errno::NODATA | Errno::NOTSUP) => continue,
            Err(error) => return Err(error.into()),
        };
        match rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty()) {
            Ok(()) | Err(Errno::NOTSUP | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
