//! What a container changed (`docker diff`): its writable layer against the layers below, by the rules of Docker's
//! comparison: of a new directory everything in it is told, of a removed one only itself, and a directory whose content
//! changed counts as changed. In order of paths; Docker's order is that of Go's maps, which is none.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use corten_base::ContainerId;
use rustix::fs::{Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::SnapshotError;
use crate::pack::{is_opaque, look};
use crate::store::Store;

/// Directories within directories.
const DEPTH_MAX: usize = 1024;

/// Bytes of a file's capabilities, in the longest of its formats.
const CAPABILITY_BYTES: usize = 64;

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is another than below.
    Modified,
    /// It was not there.
    Added,
    /// It is there no more.
    Deleted,
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Absolute.
    pub path: Vec<u8>,
    /// How.
    pub kind: ChangeKind,
}

/// What every container has before its program runs: the runtime's mount points, and the mark.
/// Docker has these in a layer of their own, so they are no changes.
const PREPARED: [&str; 12] = [
    super::MARK,
    "dev",
    "dev/console",
    "dev/pts",
    "dev/shm",
    "dev/mqueue",
    "etc/hostname",
    "etc/hosts",
    MOUNT_TABLE,
    "etc/resolv.conf",
    "proc",
    "sys",
];

/// The link to the table of mounts.
pub(crate) const MOUNT_TABLE: &str = "etc/mtab";

/// Whether the runtime made it, and nobody put anything in it since.
pub(crate) fn is_prepared(path: &[u8], stat: &Stat) -> bool {
    let empty = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => true,
        FileType::RegularFile => stat.st_size == 0,
        FileType::Symlink => path == MOUNT_TABLE.as_bytes(),
        _ => false,
    };
    empty && PREPARED.iter().any(|prepared| prepared.as_bytes() == path)
}

impl Store {
    /// What the container changed so far. `inside` says who inside it owns what these (user, group) own on the disk.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn snapshot_changes(
        &self,
        container: &ContainerId,
        inside: &dyn Fn((u32, u32)) -> (u32, u32),
    ) -> Result<Vec<Change>, SnapshotError> {
        let snapshot = self.snapshot(container)?;
        let below = self.view_below(container)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let compared = rustix::fs::open(&snapshot.upper, flags, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|upper| {
                let mut changes = Vec::new();
                let pair = Pair {
                    upper: upper.as_fd(),
                    below: Some(below.as_fd()),
                    opaque: false,
                    inside,
                };
                pair.compare(b"", &mut changes, DEPTH_MAX)?;
                Ok(changes)
            });
        compared.map_err(SnapshotError::io("compare", &snapshot.upper))
    }
}

/// A directory of the writable layer and what was at its place.
struct Pair<'a> {
    upper: BorrowedFd<'a>,
    below: Option<BorrowedFd<'a>>,
    /// Nothing of what is below shows.
    opaque: bool,
    inside: &'a dyn Fn((u32, u32)) -> (u32, u32),
}

impl Pair<'_> {
    fn compare(&self, path: &[u8], changes: &mut Vec<Change>, depth: usize) -> io::Result<()> {
        if depth == 0 {
            return Err(Errno::NAMETOOLONG.into());
        }
        let mut all = names(self.upper)?;
        if self.opaque
            && let Some(below) = self.below
        {
            all.append(&mut names(below)?);
        }
        for name in all {
            let whole = [path, b"/", &name].concat();
            self.entry(&name, whole, changes, depth)?;
        }
        Ok(())
    }

    fn entry(&self, name: &[u8], path: Vec<u8>, changes: &mut Vec<Change>, depth: usize) -> io::Result<()> {
        let old = match self.below {
            Some(below) => look(below, name)?,
            None => None,
        };
        let new = look(self.upper, name)?.filter(|new| !is_whiteout(new));
        let Some(mut new) = new else {
            if old.is_some() {
                changes.push(Change {
                    path,
                    kind: ChangeKind::Deleted,
                });
            }
            return Ok(());
        };
        (new.st_uid, new.st_gid) = (self.inside)((new.st_uid, new.st_gid));
        let at = changes.len();
        let kind = match &old {
            None => (!is_prepared(&path[1..], &new)).then_some(ChangeKind::Added),
            Some(old) if differs(old, &new) || self.capability_differs(name, &new)? => Some(ChangeKind::Modified),
            Some(_) => None,
        };
        if let Some(kind) = kind {
            changes.push(Change {
                path: path.clone(),
                kind,
            });
        }
        if !is_directory(&new) {
            return Ok(());
        }
        let Some(upper) = open(self.upper, name)? else {
            return Ok(());
        };
        let below = match (&old, self.below) {
            (Some(old), Some(below)) if is_directory(old) => open(below, name)?,
            _ => None,
        };
        let pair = Pair {
            opaque: is_opaque(upper.as_fd())?,
            upper: upper.as_fd(),
            below: below.as_ref().map(AsFd::as_fd),
            inside: self.inside,
        };
        pair.compare(&path, changes, depth - 1)?;
        if kind.is_none() && changes.len() > at {
            // What is new in a directory that the runtime made changes that directory.
            changes.insert(
                at,
                Change {
                    path,
                    kind: ChangeKind::Modified,
                },
            );
        }
        Ok(())
    }

    fn capability_differs(&self, name: &[u8], new: &Stat) -> io::Result<bool> {
        let (Some(below), FileType::RegularFile) = (self.below, FileType::from_raw_mode(new.st_mode)) else {
            return Ok(false);
        };
        Ok(capability(self.upper, name)? != capability(below, name)?)
    }
}

fn capability(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Vec<u8>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Vec::new()),
        file => file?,
    };
    let mut value = vec![0; CAPABILITY_BYTES];
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::getxattr(path, c"security.capability", &mut value[..]) {
        Ok(length) => value.truncate(length),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE | Errno::NOENT) => value.clear(),
        Err(error) => return Err(error.into()),
    }
    Ok(value)
}

fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// Times and sizes count for what is no directory.
fn differs(old: &Stat, new: &Stat) -> bool {
    let owner = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid);
    if owner(old) != owner(new) {
        return true;
    }
    let content = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_rdev);
    !is_directory(new) && content(old) != content(new)
}

fn names(directory: BorrowedFd<'_>) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut names = BTreeSet::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.insert(entry.file_name().to_bytes().to_vec());
        }
    }
    Ok(names)
}

fn open(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
