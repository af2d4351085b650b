//! Unpacking a tar into a tree that others use meanwhile: `docker cp` into a container. Neither the tar nor the tree is
//! trusted.
//!
//! Invariants:
//! - Every directory is opened from the root's descriptor by `openat2(RESOLVE_IN_ROOT)`: whatever links there are, or a
//!   process swaps in meanwhile, lead to somewhere inside the root.
//! - The last component is made without following, and owner, mode, attributes and times are set through a descriptor
//!   of what was made, looked at again, so that nothing else swapped in gets them.
//! - Nothing that exists is opened for writing: it is removed and made again, as Docker does.
//! - Whiteout names mean nothing here.

mod place;

use std::io::{BufRead, Cursor, Read};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, ResolveFlags, StatxFlags, Uid};
use rustix::io::Errno;

use crate::compress::Compression;
use crate::tar::{Kind, TarEntry, TarError, TarReader};

/// Directories open because entries in them may follow; times of those further up are set early.
const OPEN_MAX: usize = 64;
/// Depth of directories that entries may ask for.
const DEPTH_MAX: usize = 512;

/// Who owns on the disk what somebody owns inside the tree's user namespace.
pub trait Owners: std::fmt::Debug {
    /// The user and group on the disk; none if nobody inside can own anything on it.
    fn outside(&self, inside: (u32, u32)) -> Option<(u32, u32)>;
    /// Whether these, as the disk has them, are of the namespace.
    fn are_of_it(&self, outside: (u32, u32)) -> bool;
}

/// How to unpack.
#[derive(Debug, Clone, Default)]
pub struct UnpackOptions<'o> {
    /// The directory below the root, absolute, as the client wrote it; for messages too.
    pub destination: Vec<u8>,
    /// A directory and something else do not replace each other.
    pub keep_kinds: bool,
    /// Everything belongs to this user and group instead of those in the tar.
    pub owner: Option<(u32, u32)>,
    /// The tree's user namespace, if it is not the host's.
    pub owners: Option<&'o dyn Owners>,
    /// The destination is new and the archive is all of it: an entry for the destination itself says what that is, and
    /// the archive must not end without its end mark.
    pub whole: bool,
}

/// An archive could not be unpacked; what came before the failure stays.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The tar is damaged.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A name that leads outside or that no file can have.
    #[error("invalid entry name {0:?}")]
    Name(String),
    /// Sic: Docker names the two in this order.
    #[error("cannot overwrite directory {0:?} with non-directory {1:?}")]
    OverDirectory(String, String),
    /// The reverse.
    #[error("cannot overwrite non-directory {0:?} with directory {1:?}")]
    OverFile(String, String),
    /// An entry that is neither file, directory, link, device nor pipe.
    #[error("unhandled tar header type {0}")]
    Type(u8),
    /// A system call failed for an entry.
    #[error("{step} {path}: {}", corten_base::errno::words(source))]
    Io {
        /// What was done.
        step: &'static str,
        /// The path below the destination.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// As [`unpack`] for a stream that may be compressed; reads it to its end.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack_stream(
    reader: &mut dyn BufRead,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<(), UnpackError> {
    let mut start = Vec::new();
    (&mut *reader).take(8).read_to_end(&mut start).map_err(TarError::Read)?;
    let compression = Compression::of(&start);
    let whole = Cursor::new(start).chain(reader);
    let mut plain: Box<dyn BufRead + '_> = match compression {
        // Content goes from the stream's own pieces to the disk.
        Compression::Plain => Box::new(whole),
        _ => compression.reader(whole).map_err(TarError::Read)?,
    };
    unpack(&mut plain, root, options)?;
    crate::compress::drain(&mut plain).map_err(TarError::Read)?;
    Ok(())
}

/// Unpacks the plain tar that `reader` gives below the root `root`.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack<R: BufRead>(reader: R, root: BorrowedFd<'_>, options: &UnpackOptions<'_>) -> Result<(), UnpackError> {
    let mut tar = TarReader::new(reader);
    let mut unpacking = Unpacking {
        root,
        options,
        parent: None,
        directories: Vec::new(),
    };
    while let Some(entry) = tar.next_entry()? {
        unpacking.entry(&entry, &mut tar)?;
    }
    if options.whole && !tar.was_ended() {
        return Err(TarError::Truncated.into());
    }
    unpacking.leave(b"")
}

struct Unpacking<'a> {
    root: BorrowedFd<'a>,
    options: &'a UnpackOptions<'a>,
    /// The directory of the last entry, by path: most entries follow one of the same directory.
    parent: Option<(Vec<u8>, OwnedFd)>,
    /// Directories whose times are set when the entries in them are over, outermost first.
    directories: Vec<(Vec<u8>, OwnedFd, (i64, u32))>,
}

impl Unpacking<'_> {
    fn entry<R: BufRead>(&mut self, entry: &TarEntry, tar: &mut TarReader<R>) -> Result<(), UnpackError> {
        let path = clean(&entry.path).ok_or_else(|| UnpackError::Name(lossy(&entry.path)))?;
        if path.is_empty() {
            // The destination itself stays as it is, unless it is new.
            return match entry.kind {
                Kind::Directory if self.options.whole => self.place_destination(entry),
                _ => Ok(()),
            };
        }
        if let Kind::Other(byte) = entry.kind {
            return Err(UnpackError::Type(byte));
        }
        self.leave(&path)?;
        let (parent, name) = split(&path);
        let parent = self.parent(parent)?;
        self.make_room(&parent, name, &path, entry)?;
        match entry.kind {
            Kind::Regular => self.place_file(&parent, &path, entry, tar),
            Kind::Directory => self.place_directory(&parent, &path, entry),
            Kind::HardLink => self.place_hard_link(&parent, &path, entry),
            Kind::Symlink => self.place_symlink(&parent, &path, entry),
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo => self.place_node(&parent, &path, entry),
            Kind::Other(byte) => Err(UnpackError::Type(byte)),
        }
    }

    /// Sets the times of directories that `path` is not in.
    fn leave(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        let is_in = |directory: &[u8]| match directory {
            b"" => !path.is_empty(),
            _ => path.starts_with(directory) && path.get(directory.len()) == Some(&b'/'),
        };
        while let Some((directory, _, _)) = self.directories.last() {
            if is_in(directory) && self.directories.len() <= OPEN_MAX {
                return Ok(());
            }
            // Too many: the outermost goes first.
            let at = if is_in(directory) {
                0
            } else {
                self.directories.len() - 1
            };
            let (directory, open, mtime) = self.directories.remove(at);
            rustix::fs::futimens(&open, &place::times(mtime)).map_err(io_error("utimensat", &directory))?;
        }
        Ok(())
    }

    /// The directory at `path` below the destination, made with its parents if it is not there.
    fn parent(&mut self, path: &[u8]) -> Result<OwnedFd, UnpackError> {
        let failed = io_error("openat", path);
        if let Some((known, directory)) = &self.parent
            && known == path
        {
            return directory.try_clone().map_err(|error| UnpackError::Io {
                step: "dup",
                path: lossy(path),
                source: error,
            });
        }
        let directory = match self.open(path) {
            Err(Errno::NOENT) if !path.is_empty() => self.make_parents(path)?,
            opened => opened.map_err(failed)?,
        };
        self.adopt(path).map_err(io_error("lchown", path))?;
        if let Ok(kept) = directory.try_clone() {
            self.parent = Some((path.to_vec(), kept));
        }
        Ok(directory)
    }

    /// Gives directories on the way that a layer shows with the host's owners, as it does while the container does not
    /// run, to those whose they are inside: what is written below copies them up as they are. Only on the root's own
    /// mount: what is mounted in it belongs to others.
    fn adopt(&self, path: &[u8]) -> rustix::io::Result<()> {
        let Some(owners) = self.options.owners else {
            return Ok(());
        };
        let mount = |of: BorrowedFd<'_>| {
            rustix::fs::statx(of, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).map(|found| found.stx_mnt_id)
        };
        let own = mount(self.root)?;
        let whole = [&*self.options.destination, b"/", path].concat();
        let slashes = whole.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for end in slashes.map(|(at, _)| at).chain([whole.len()]) {
            let directory = open_in(self.root, &whole[..end], OFlags::PATH | OFlags::DIRECTORY)?;
            let stat = rustix::fs::fstat(&directory)?;
            let owner = (stat.st_uid, stat.st_gid);
            if owners.are_of_it(owner) || mount(directory.as_fd())? != own {
                continue;
            }
            if let Some((user, group)) = owners.outside(owner) {
                let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
                rustix::fs::chownat(&directory, c"", user, group, AtFlags::EMPTY_PATH)?;
            }
        }
        Ok(())
    }

    fn make_parents(&mut self, path: &[u8]) -> Result<OwnedFd, UnpackError> {
        let (above, name) = split(path);
        if path.iter().filter(|&&byte| byte == b'/').count() > DEPTH_MAX {
            return Err(io_error("mkdirat", path)(Errno::NAMETOOLONG));
        }
        let above = match self.open(above) {
            Err(Errno::NOENT) if !above.is_empty() => self.make_parents(above)?,
            opened => opened.map_err(io_error("openat", above))?,
        };
        match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(io_error("mkdirat", path)(error)),
        }
        self.open(path).map_err(io_error("openat", path))
    }

    fn open(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        let whole = [&*self.options.destination, b"/", path].concat();
        open_in(self.root, &whole, OFlags::PATH | OFlags::DIRECTORY)
    }
}

/// Opens a path below `root` with every link resolved inside it.
///
/// # Errors
/// As openat2(2).
pub fn open_in(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let start = path.iter().position(|&byte| byte != b'/').unwrap_or(path.len());
    let relative: &[u8] = if start == path.len() { b"." } else { &path[start..] };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(root, relative, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // A rename elsewhere on the system made the walk uncertain.
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
}

/// A path without `.`, empty and `..` components; none if it would rise above the destination or holds a zero byte.
fn clean(path: &[u8]) -> Option<Vec<u8>> {
    let mut components: Vec<&[u8]> = Vec::new();
    for component in path.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => drop(components.pop()?),
            name => components.push(name),
        }
    }
    (!path.contains(&0) && components.len() <= DEPTH_MAX).then(|| components.join(&b'/'))
}

/// Parent path and last component.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

fn io_error<'p>(step: &'static str, path: &'p [u8]) -> impl Fn(Errno) -> UnpackError + use<'p> {
    move |error| UnpackError::Io {
        step,
        path: lossy(path),
        source: error.into(),
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (written, meant) in [
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("/abs", Some("abs")),
            (".", Some("")),
            ("a/../b", Some("b")),
            ("..", None),
            ("a/../../b", None),
            ("a\0b", None),
        ] {
            assert_eq!(
                clean(written.as_bytes()),
                meant.map(|text| text.as_bytes().to_vec()),
                "{written}"
            );
        }
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"a"), (&b""[..], &b"a"[..]));
    }
}
