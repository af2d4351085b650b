//! What is at a path in a container (`HEAD /containers/{id}/archive`) or a volume.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use corten_api::container::PathStat;
use corten_base::Timestamp;
use corten_image::unpack::open_in;
use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;

use super::view::Scope;
use super::whose::{FilesOf, Found};
use super::{absolute, base, link};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};

/// Looks.
pub(crate) async fn stat(core: &Arc<Core>, of: FilesOf<'_>, path: &str) -> Result<PathStat> {
    let found = Found::find(core, of).await?;
    let (path, shared) = (absolute(path), Arc::clone(core));
    blocking(core, move |_core| {
        let opened = found.open(&shared, Scope::Everything)?;
        look(opened.root(), &path, &found.named).map(|(stat, _)| stat)
    })
    .await
}

/// What is at the absolute `path`, and a descriptor that names it.
pub(super) fn look(root: BorrowedFd<'_>, path: &str, named: &str) -> Result<(PathStat, OwnedFd)> {
    let failed = |error: Errno| missing(error, path, named);
    let found = open_in(root, path.as_bytes(), OFlags::PATH | OFlags::NOFOLLOW).map_err(failed)?;
    let stat = rustix::fs::fstat(&found).map_err(failed)?;
    let mut link_target = String::new();
    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
        let mut read = |path: &str| read_link(root, path);
        link_target = link::follow(path, &mut read).ok_or_else(|| failed(Errno::LOOP))?;
    }
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    let stat = PathStat {
        name: base(path).to_owned(),
        size: stat.st_size,
        mode: go_mode(&stat),
        mtime: Timestamp::from_unix(stat.st_mtime, nanos),
        link_target,
    };
    Ok((stat, found))
}

/// Docker's words for a path that cannot be looked at.
pub(super) fn missing(error: Errno, path: &str, named: &str) -> Error {
    if error == Errno::NOENT {
        return Error::not_found(format!("Could not find the file {path} in {named}"));
    }
    Error::internal(format!("lstat {path}: {}", corten_base::errno::words(&error)))
}

fn read_link(root: BorrowedFd<'_>, path: &str) -> Option<String> {
    let found = open_in(root, path.as_bytes(), OFlags::PATH | OFlags::NOFOLLOW).ok()?;
    let target = rustix::fs::readlinkat(&found, c"", Vec::new()).ok()?;
    Some(target.to_string_lossy().into_owned())
}

/// Type and permissions as Go's `fs.FileMode` packs them.
fn go_mode(stat: &Stat) -> u32 {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => PathStat::DIRECTORY,
        FileType::Symlink => PathStat::SYMLINK,
        FileType::Fifo => 1 << 25,
        FileType::Socket => 1 << 24,
        FileType::BlockDevice => 1 << 26,
        FileType::CharacterDevice => 1 << 26 | 1 << 21,
        FileType::RegularFile | FileType::Unknown => 0,
    };
    let special = [(0o4000, 23), (0o2000, 22), (0o1000, 20)];
    let special = special.iter().filter(|(bit, _)| stat.st_mode & bit != 0);
    special.fold(kind | (stat.st_mode & 0o777), |mode, (_, shift)| mode | 1 << shift)
}
