//! What a container changed, as a layer has it.

use std::io::{self, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::{CommitError, CommitRequest};
use crate::pack::{self, Judge, Keep};
use crate::snapshot::changes::is_prepared;
use crate::store::Store;
use crate::tar::Sink;

/// A container's writable layer, and what decides which of it goes into an image.
pub(super) struct Changes<'a> {
    upper: OwnedFd,
    below: OwnedFd,
    inside: &'a (dyn Fn((u32, u32)) -> (u32, u32) + Sync),
}

impl<'a> Changes<'a> {
    pub(super) fn open(store: &Store, request: CommitRequest<'a>) -> Result<Self, CommitError> {
        let upper = store.snapshot(request.container)?.upper;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&upper, flags, Mode::empty());
        Ok(Self {
            upper: opened.map_err(|error| CommitError::Read(error.into()))?,
            below: store.view_below(request.container)?,
            inside: request.inside,
        })
    }

    /// Writes them as a layer's tar.
    pub(super) fn write(&mut self, out: &mut dyn Sink) -> io::Result<()> {
        let upper = self.upper.try_clone()?;
        pack::judged(upper.as_fd(), self, out).map(drop)
    }

    /// Whether there are any.
    pub(super) fn any(&mut self) -> io::Result<bool> {
        let upper = self.upper.try_clone()?;
        match pack::judged(upper.as_fd(), self, &mut First) {
            Err(error) if error.kind() == io::ErrorKind::WriteZero => Ok(true),
            any => any,
        }
    }
}

impl Judge for Changes<'_> {
    fn judge(&mut self, path: &[u8], stat: &Stat, directory: Option<BorrowedFd<'_>>) -> io::Result<Keep> {
        let is_prepared = is_prepared(path, stat);
        if directory.is_none() && !is_prepared {
            // Whatever is below.
            return Ok(Keep::Yes);
        }
        let Some(below) = self.below(path)? else {
            return Ok(match (is_prepared, directory) {
                (true, None) => Keep::No,
                (true, Some(_)) => Keep::IfFilled,
                (false, _) => Keep::Yes,
            });
        };
        let Some(directory) = directory else {
            return Ok(Keep::Yes);
        };
        // Overlayfs copies a directory up for what changes in it; the runtime's mount points do that too.
        let same = FileType::from_raw_mode(below.st_mode) == FileType::Directory
            && (below.st_mode, below.st_uid, below.st_gid) == (stat.st_mode, stat.st_uid, stat.st_gid)
            && !pack::is_opaque(directory)?;
        Ok(if same { Keep::IfFilled } else { Keep::Yes })
    }

    fn owner(&self, stat: &Stat) -> (u32, u32) {
        (self.inside)((stat.st_uid, stat.st_gid))
    }

    fn is_layer(&self) -> bool {
        true
    }
}

impl Changes<'_> {
    /// What the layers below have at `path`; what is behind a symbolic link is somewhere else.
    fn below(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(&self.below, path, flags, Mode::empty(), resolve) {
            Ok(below) => Ok(Some(rustix::fs::fstat(below)?)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Fails at the first byte of an entry; the end of an empty archive is only zeros.
struct First;

impl Write for First {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().any(|&byte| byte != 0) {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for First {}
