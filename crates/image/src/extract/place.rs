//! Making one entry: the file, directory, link or node, with its owner, mode, times and attributes. The order is
//! owner, attributes, mode, times: a change of owner clears set-id bits and file capabilities.

use std::io::{self, BufRead};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use corten_sys::writeback;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;

use super::{CleanPath, ExtractError, Extractor, io_error, lossy, remove, timestamps};
use crate::tar::{Kind, TarEntry, TarReader};

/// Links that lead to links that lead nowhere.
const LINKS_MAX: usize = 8;

impl Extractor<'_> {
    pub(super) fn place_file<R: BufRead>(
        &mut self,
        path: &CleanPath,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), ExtractError> {
        self.claim_space(entry.size.min(tar_bytes(entry)))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self.create(path, "openat", |parent, name| {
            rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
        })?;
        self.fill(&file, path, entry, tar)?;
        self.size_bytes += entry.size;
        let failed = |step| move |error: Errno| io_error(step, &path.text)(error.into());
        rustix::fs::fchown(&file, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))
            .map_err(failed("chown"))?;
        for (name, value) in trusted(&entry.xattrs) {
            accept(rustix::fs::fsetxattr(&file, name, value, XattrFlags::empty()))
                .map_err(failed("set attribute of"))?;
        }
        rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(failed("chmod"))?;
        rustix::fs::futimens(&file, &timestamps(entry.mtime)).map_err(failed("utimensat"))
    }

    pub(super) fn place_directory(&mut self, path: &CleanPath, entry: &TarEntry) -> Result<(), ExtractError> {
        self.make_directory(path)?;
        self.implied.remove(&path.text);
        self.set_attributes(path, entry, Mode::from_raw_mode(entry.mode).into())?;
        self.times.push((path.text.clone(), entry.mtime));
        Ok(())
    }

    pub(super) fn place_hard_link(&mut self, path: &CleanPath, entry: &TarEntry) -> Result<(), ExtractError> {
        let target = CleanPath::of(&entry.link).map_err(|_| ExtractError::LinkTarget(lossy(&entry.link)))?;
        if target == *path {
            return Ok(());
        }
        let both = [&target.text[..], b" ", &path.text].concat();
        let failed = |error: io::Error| io_error("linkat", &both)(error);
        let (from, target_name) = target.split();
        let from = match self.existing(from).map_err(failed)? {
            Some(from) if !target_name.is_empty() => from.try_clone_to_owned().map_err(failed)?,
            _ => return Err(failed(Errno::NOENT.into())),
        };
        self.create(path, "linkat", |parent, name| {
            rustix::fs::linkat(&from, target_name, parent, name, AtFlags::empty())
        })
        .map_err(|error| match error {
            ExtractError::Io { step, source, .. } => ExtractError::Io {
                step,
                path: lossy(&both),
                source,
            },
            other => other,
        })
    }

    pub(super) fn place_symlink(&mut self, path: &CleanPath, entry: &TarEntry) -> Result<(), ExtractError> {
        self.create(path, "symlinkat", |parent, name| {
            rustix::fs::symlinkat(&*entry.link, parent, name)
        })?;
        self.size_bytes += entry.link.len() as u64;
        self.set_attributes(path, entry, None)?;
        self.set_times(path, entry)
    }

    pub(super) fn place_node(&mut self, path: &CleanPath, entry: &TarEntry) -> Result<(), ExtractError> {
        let (kind, device) = match entry.kind {
            Kind::CharDevice if entry.device == (0, 0) => return Ok(()),
            Kind::CharDevice => (FileType::CharacterDevice, entry.device),
            Kind::BlockDevice => (FileType::BlockDevice, entry.device),
            Kind::Fifo | Kind::Regular | Kind::HardLink | Kind::Symlink | Kind::Directory | Kind::Other(_) => {
                (FileType::Fifo, (0, 0))
            }
        };
        let device = rustix::fs::makedev(device.0, device.1);
        self.create(path, "mknod", |parent, name| {
            rustix::fs::mknodat(parent, name, kind, Mode::empty(), device)
        })?;
        self.set_attributes(path, entry, Mode::from_raw_mode(entry.mode).into())?;
        self.set_times(path, entry)
    }

    /// Makes the directory, or finds the one that is there; anything else of that name is replaced.
    pub(super) fn make_directory(&mut self, path: &CleanPath) -> Result<(), ExtractError> {
        let (parent_path, name) = path.split();
        let parent = self.parent(parent_path, &path.text)?;
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(io_error("mkdirat", &path.text)(error.into())),
        }
        let failed = |error: Errno| io_error("mkdirat", &path.text)(error.into());
        let present = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        if FileType::from_raw_mode(present.st_mode) == FileType::Directory {
            return Ok(());
        }
        let was_whiteout = self.whiteouts.remove(&path.text);
        self.clear(path)?;
        let parent = self.parent(parent_path, &path.text)?;
        rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)).map_err(failed)?;
        if was_whiteout {
            self.make_opaque(&path.text)
        } else {
            Ok(())
        }
    }

    /// Creates `path` by `make`, which must fail with EEXIST if something is there; that is then removed.
    pub(super) fn create<T>(
        &mut self,
        path: &CleanPath,
        step: &'static str,
        make: impl Fn(BorrowedFd<'_>, &[u8]) -> rustix::io::Result<T>,
    ) -> Result<T, ExtractError> {
        let (parent_path, name) = path.split();
        let parent = self.parent(parent_path, &path.text)?;
        let made = match make(parent, name) {
            Err(Errno::EXIST) => {
                self.clear(path)?;
                make(self.parent(parent_path, &path.text)?, name)
            }
            made => made,
        };
        made.map_err(|error| io_error(step, &path.text)(error.into()))
    }

    /// The directory at `path`, made with all its parents if it is not there.
    fn parent(&mut self, path: &[u8], entry: &[u8]) -> Result<BorrowedFd<'_>, ExtractError> {
        let open = |error| io_error("openat", entry)(error);
        let there = match self.existing(path) {
            Ok(found) => found.is_some(),
            // Perhaps a whiteout of ours is in the way: making the directory finds out.
            Err(error) if error.raw_os_error() == Some(Errno::NOTDIR.raw_os_error()) => {
                if !self.has_whiteout_above(path) {
                    return Err(open(error));
                }
                false
            }
            Err(error) => return Err(open(error)),
        };
        if !there {
            self.imply(path)?;
        }
        match self.existing(path).map_err(open)? {
            Some(directory) => Ok(directory),
            None => Err(open(Errno::NOENT.into())),
        }
    }

    fn has_whiteout_above(&self, path: &[u8]) -> bool {
        let ends = path
            .iter()
            .enumerate()
            .filter(|&(_, &byte)| byte == b'/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        ends.into_iter().any(|end| self.whiteouts.contains(&path[..end]))
    }

    /// Makes a directory that no entry has described. Where a link of the layer that leads nowhere yet is in its
    /// place, the directory is made where the link leads, inside the root.
    fn imply(&mut self, path: &[u8]) -> Result<(), ExtractError> {
        let mut path = CleanPath { text: path.to_vec() };
        for _ in 0..LINKS_MAX {
            let Some(target) = self.link_target(&path)? else {
                self.make_directory(&path)?;
                self.implied.insert(path.text);
                return Ok(());
            };
            if self
                .existing(&target.text)
                .map_err(io_error("openat", &path.text))?
                .is_some()
            {
                return Ok(());
            }
            path = target;
        }
        Err(io_error("openat", &path.text)(Errno::LOOP.into()))
    }

    /// Where the link at `path` leads; none if there is no link.
    fn link_target(&mut self, path: &CleanPath) -> Result<Option<CleanPath>, ExtractError> {
        let (parent_path, name) = path.split();
        let parent = self.parent(parent_path, &path.text)?;
        match rustix::fs::readlinkat(parent, name, Vec::new()) {
            Ok(target) => Ok(Some(CleanPath::clamped(parent_path, target.to_bytes()))),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(io_error("readlinkat", &path.text)(error.into())),
        }
    }

    /// Removes whatever is at `path`, with everything below it.
    fn clear(&mut self, path: &CleanPath) -> Result<(), ExtractError> {
        let (parent_path, name) = path.split();
        self.open.clear();
        self.recount = true;
        self.whiteouts.remove(&path.text);
        let below = [&path.text[..], b"/"].concat();
        self.implied
            .retain(|implied| *implied != path.text && !implied.starts_with(&below));
        self.whiteouts.retain(|whiteout| !whiteout.starts_with(&below));
        self.times
            .retain(|(timed, _)| *timed != path.text && !timed.starts_with(&below));
        let parent = self.parent(parent_path, &path.text)?;
        remove::tree(parent, name).map_err(io_error("replace", &path.text))
    }

    /// Content from the tar, holes left out.
    fn fill<R: BufRead>(
        &mut self,
        file: &OwnedFd,
        path: &CleanPath,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), ExtractError> {
        let failed = |error: Errno| io_error("write", &path.text)(error.into());
        let Some(segments) = &entry.sparse else {
            return self.copy(file, path, entry.size, tar);
        };
        for segment in segments {
            rustix::fs::seek(file, rustix::fs::SeekFrom::Start(segment.offset)).map_err(failed)?;
            self.copy(file, path, segment.length, tar)?;
        }
        rustix::fs::ftruncate(file, entry.size).map_err(failed)
    }

    fn copy<R: BufRead>(
        &mut self,
        file: &OwnedFd,
        path: &CleanPath,
        mut left: u64,
        tar: &mut TarReader<R>,
    ) -> Result<(), ExtractError> {
        let mut waiting = 0;
        while left > 0 {
            let data = tar.fill_data()?;
            let length = data.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if length == 0 {
                return Err(crate::tar::TarError::Truncated.into());
            }
            let written = match rustix::io::write(file, &data[..length]) {
                Err(Errno::INTR) => 0,
                other => other.map_err(|error| io_error("write", &path.text)(error.into()))?,
            };
            tar.consume_data(written);
            left -= written as u64;
            waiting += written as u64;
            if waiting >= writeback::STEP_BYTES {
                waiting = 0;
                // Only a head start: where it fails, the flush at the end has more to do.
                writeback::begin(file.as_fd(), 0, 0).ok();
            }
            self.claim_space(written as u64)?;
        }
        Ok(())
    }

    /// Owner, attributes and (not for links) mode of what is at `path`.
    fn set_attributes(&mut self, path: &CleanPath, entry: &TarEntry, mode: Option<Mode>) -> Result<(), ExtractError> {
        let failed = |step| move |error: Errno| io_error(step, &path.text)(error.into());
        let (parent_path, name) = path.split();
        let parent = self.parent(parent_path, &path.text)?;
        let owner = (Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)));
        rustix::fs::chownat(parent, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW).map_err(failed("chown"))?;
        if trusted(&entry.xattrs).next().is_some() {
            set_xattrs(parent, name, &entry.xattrs).map_err(io_error("set attribute of", &path.text))?;
        }
        match mode {
            // Not a link, and nobody else is in this directory: following is harmless.
            Some(mode) => rustix::fs::chmodat(parent, name, mode, AtFlags::empty()).map_err(failed("chmod")),
            None => Ok(()),
        }
    }

    fn set_times(&mut self, path: &CleanPath, entry: &TarEntry) -> Result<(), ExtractError> {
        let (parent_path, name) = path.split();
        let parent = self.parent(parent_path, &path.text)?;
        rustix::fs::utimensat(parent, name, &timestamps(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| io_error("utimensat", &path.text)(error.into()))
    }
}

/// Attributes by a path through the open directory, since nodes and links cannot be opened.
fn set_xattrs(parent: BorrowedFd<'_>, name: &[u8], xattrs: &[(Vec<u8>, Vec<u8>)]) -> io::Result<()> {
    let mut path = format!("/proc/self/fd/{}/", std::os::fd::AsRawFd::as_raw_fd(&parent.as_fd())).into_bytes();
    path.extend_from_slice(name);
    for (name, value) in trusted(xattrs) {
        accept(rustix::fs::lsetxattr(&*path, name, value, XattrFlags::empty()))?;
    }
    Ok(())
}

/// Attributes that are the image's own business and not overlayfs's.
fn trusted(xattrs: &[(Vec<u8>, Vec<u8>)]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let overlay = |name: &[u8]| name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.");
    xattrs
        .iter()
        .filter(move |(name, _)| !overlay(name))
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
}

/// An attribute that this file system or kind of file cannot have is left out, as Docker does.
fn accept(set: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match set {
        Err(Errno::NOTSUP | Errno::PERM) => Ok(()),
        other => other,
    }
}

/// Bytes of content that an entry brings.
fn tar_bytes(entry: &TarEntry) -> u64 {
    match &entry.sparse {
        Some(segments) => segments.iter().map(|segment| segment.length).sum(),
        None => entry.size,
    }
}
