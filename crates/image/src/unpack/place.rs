//! Making one entry, and giving it its owner, attributes, mode and times through a descriptor. The order is owner,
//! attributes, mode, times: a change of owner clears set-id bits and file capabilities.

use std::io::BufRead;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::{UnpackError, Unpacking, clean, io_error, lossy, split};
use crate::extract::remove;
use crate::tar::{Kind, TarEntry, TarReader};

/// Tries to make something where another process makes things too.
const TRIES: usize = 16;
/// A whole buffer of zeros at least this long becomes a hole.
const HOLE_BYTES: usize = 4096;

impl Unpacking<'_> {
    /// Removes what is in the way.
    pub(super) fn make_room(
        &mut self,
        parent: &OwnedFd,
        name: &[u8],
        path: &[u8],
        entry: &TarEntry,
    ) -> Result<(), UnpackError> {
        let present = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            stat => stat.map_err(io_error("lstat", path))?,
        };
        let is_directory = FileType::from_raw_mode(present.st_mode) == FileType::Directory;
        let becomes_directory = entry.kind == Kind::Directory;
        if self.options.keep_kinds && is_directory != becomes_directory {
            let (entry, destination) = (lossy(path), lossy(&self.options.destination));
            return Err(if is_directory {
                UnpackError::OverDirectory(entry, destination)
            } else {
                UnpackError::OverFile(entry, destination)
            });
        }
        if is_directory && becomes_directory {
            return Ok(());
        }
        self.remove(parent, name, path)
    }

    fn remove(&mut self, parent: &OwnedFd, name: &[u8], path: &[u8]) -> Result<(), UnpackError> {
        if remove::is_mounted(parent.as_fd(), name) {
            return Err(io_error("RemoveAll", path)(Errno::BUSY));
        }
        let below = [path, b"/"].concat();
        self.directories
            .retain(|(directory, _, _)| directory != path && !directory.starts_with(&below));
        if self
            .parent
            .as_ref()
            .is_some_and(|(known, _)| known == path || known.starts_with(&below))
        {
            self.parent = None;
        }
        remove::tree_without_mounts(parent.as_fd(), name).map_err(|source| UnpackError::Io {
            step: "unlinkat",
            path: lossy(path),
            source,
        })
    }

    /// Calls `make`, which fails with EEXIST if something is there; that is then removed.
    fn make<T>(
        &mut self,
        parent: &OwnedFd,
        path: &[u8],
        step: &'static str,
        make: impl Fn(&OwnedFd, &[u8]) -> rustix::io::Result<T>,
    ) -> Result<T, UnpackError> {
        let (_, name) = split(path);
        for _ in 1..TRIES {
            match make(parent, name) {
                Err(Errno::EXIST) => self.remove(parent, name, path)?,
                made => return made.map_err(io_error(step, path)),
            }
        }
        make(parent, name).map_err(io_error(step, path))
    }

    pub(super) fn place_file<R: BufRead>(
        &mut self,
        parent: &OwnedFd,
        path: &[u8],
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), UnpackError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self.make(parent, path, "openat", |parent, name| {
            rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
        })?;
        fill(&file, path, entry, tar)?;
        self.dress(&file, path, entry)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(io_error("chmod", path))?;
        rustix::fs::futimens(&file, &times(entry.mtime)).map_err(io_error("utimensat", path))
    }

    pub(super) fn place_directory(
        &mut self,
        parent: &OwnedFd,
        path: &[u8],
        entry: &TarEntry,
    ) -> Result<(), UnpackError> {
        let (_, name) = split(path);
        match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(io_error("mkdirat", path)(error)),
        }
        self.dress_directory(parent, name, path, entry)
    }

    /// The destination itself, which is there.
    pub(super) fn place_destination(&mut self, entry: &TarEntry) -> Result<(), UnpackError> {
        let destination = self.parent(b"")?;
        self.dress_directory(&destination, b".", b"", entry)
    }

    fn dress_directory(
        &mut self,
        parent: &OwnedFd,
        name: &[u8],
        path: &[u8],
        entry: &TarEntry,
    ) -> Result<(), UnpackError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(io_error("openat", path))?;
        self.dress(&directory, path, entry)?;
        rustix::fs::fchmod(&directory, Mode::from_raw_mode(entry.mode)).map_err(io_error("chmod", path))?;
        self.directories.push((path.to_vec(), directory, entry.mtime));
        Ok(())
    }

    pub(super) fn place_hard_link(
        &mut self,
        parent: &OwnedFd,
        path: &[u8],
        entry: &TarEntry,
    ) -> Result<(), UnpackError> {
        let target = clean(&entry.link).ok_or_else(|| UnpackError::Name(lossy(&entry.link)))?;
        if target == path {
            return Ok(());
        }
        let whole = [&*self.options.destination, b"/", &target].concat();
        let source = super::open_in(self.root, &whole, OFlags::PATH | OFlags::NOFOLLOW);
        let source = source.map_err(io_error("link", &target))?;
        self.make(parent, path, "link", |parent, name| {
            rustix::fs::linkat(&source, c"", parent, name, AtFlags::EMPTY_PATH)
        })
    }

    pub(super) fn place_symlink(&mut self, parent: &OwnedFd, path: &[u8], entry: &TarEntry) -> Result<(), UnpackError> {
        self.make(parent, path, "symlink", |parent, name| {
            rustix::fs::symlinkat(&*entry.link, parent, name)
        })?;
        self.finish_node(parent, path, entry, FileType::Symlink)
    }

    pub(super) fn place_node(&mut self, parent: &OwnedFd, path: &[u8], entry: &TarEntry) -> Result<(), UnpackError> {
        let (kind, device) = match entry.kind {
            Kind::CharDevice => (FileType::CharacterDevice, entry.device),
            Kind::BlockDevice => (FileType::BlockDevice, entry.device),
            _ => (FileType::Fifo, (0, 0)),
        };
        let device = rustix::fs::makedev(device.0, device.1);
        self.make(parent, path, "mknod", |parent, name| {
            rustix::fs::mknodat(parent, name, kind, Mode::empty(), device)
        })?;
        self.finish_node(parent, path, entry, kind)
    }

    /// For what cannot be opened: by a descriptor that only names it. What was swapped in meanwhile stays as it is.
    fn finish_node(
        &mut self,
        parent: &OwnedFd,
        path: &[u8],
        entry: &TarEntry,
        kind: FileType,
    ) -> Result<(), UnpackError> {
        let (_, name) = split(path);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(()),
            made => made.map_err(io_error("openat", path))?,
        };
        let stat = rustix::fs::fstat(&made).map_err(io_error("lstat", path))?;
        if FileType::from_raw_mode(stat.st_mode) != kind || stat.st_nlink != 1 {
            return Ok(());
        }
        let (user, group) = self.owner(entry, path)?;
        rustix::fs::chownat(&made, c"", Some(user), Some(group), AtFlags::EMPTY_PATH)
            .map_err(io_error("lchown", path))?;
        let itself = format!("/proc/self/fd/{}", made.as_raw_fd());
        if kind != FileType::Symlink {
            rustix::fs::chmod(&itself, Mode::from_raw_mode(entry.mode)).map_err(io_error("chmod", path))?;
        }
        match rustix::fs::utimensat(&made, c"", &times(entry.mtime), AtFlags::EMPTY_PATH) {
            // Kernels before 5.8 cannot; the time is not worth the copy.
            Ok(()) | Err(Errno::INVAL | Errno::NOENT | Errno::BADF) => Ok(()),
            Err(error) => Err(io_error("utimensat", path)(error)),
        }
    }

    /// Owner and attributes of an open file or directory.
    fn dress(&self, file: &OwnedFd, path: &[u8], entry: &TarEntry) -> Result<(), UnpackError> {
        let (user, group) = self.owner(entry, path)?;
        rustix::fs::fchown(file, Some(user), Some(group)).map_err(io_error("lchown", path))?;
        for (name, value) in &entry.xattrs {
            if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") {
                continue;
            }
            match rustix::fs::fsetxattr(file, &**name, value, XattrFlags::empty()) {
                // An attribute that this file system cannot have is left out, as Docker does.
                Ok(()) | Err(Errno::NOTSUP | Errno::PERM) => {}
                Err(error) => return Err(io_error("setxattr", path)(error)),
            }
        }
        Ok(())
    }

    fn owner(&self, entry: &TarEntry, path: &[u8]) -> Result<(Uid, Gid), UnpackError> {
        let inside = self.options.owner.unwrap_or((entry.uid, entry.gid));
        let (user, group) = match self.options.owners {
            None => inside,
            Some(owners) => owners.outside(inside).ok_or_else(|| UnpackError::Io {
                step: "lchown",
                path: lossy(path),
                source: std::io::Error::other(format!(
                    "user {} or group {} cannot be mapped to the host",
                    inside.0, inside.1
                )),
            })?,
        };
        Ok((Uid::from_raw(user), Gid::from_raw(group)))
    }
}

/// Content from the tar; holes stay holes, and long runs of zeros become some.
fn fill<R: BufRead>(file: &OwnedFd, path: &[u8], entry: &TarEntry, tar: &mut TarReader<R>) -> Result<(), UnpackError> {
    let failed = io_error("write", path);
    let mut holes = entry.sparse.is_some();
    match &entry.sparse {
        None => holes = copy(file, path, entry.size, tar)?,
        Some(segments) => {
            for segment in segments {
                rustix::fs::seek(file, rustix::fs::SeekFrom::Start(segment.offset)).map_err(&failed)?;
                copy(file, path, segment.length, tar)?;
            }
        }
    }
    if holes {
        rustix::fs::ftruncate(file, entry.size).map_err(&failed)?;
    }
    Ok(())
}

/// Whether something was left out.
fn copy<R: BufRead>(file: &OwnedFd, path: &[u8], size: u64, tar: &mut TarReader<R>) -> Result<bool, UnpackError> {
    let failed = io_error("write", path);
    let mut left = size;
    let mut holes = false;
    while left > 0 {
        let data = tar.fill_data()?;
        let length = data.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if length == 0 {
            return Err(crate::tar::TarError::Truncated.into());
        }
        let written = if length >= HOLE_BYTES && data[..length].iter().all(|&byte| byte == 0) {
            let ahead = i64::try_from(length).unwrap_or(0);
            rustix::fs::seek(file, rustix::fs::SeekFrom::Current(ahead)).map_err(&failed)?;
            holes = true;
            length
        } else {
            match rustix::io::write(file, &data[..length]) {
                Err(Errno::INTR) => 0,
                written => written.map_err(&failed)?,
            }
        };
        tar.consume_data(written);
        left -= written as u64;
    }
    Ok(holes)
}

pub(super) fn times((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}
