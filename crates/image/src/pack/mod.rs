//! A tree becomes a tar stream: in order of names, hard links as such, sockets left out, as Docker does.
//!
//! The tree may belong to a running container that changes it meanwhile. Everything is reached by descriptors, no
//! symbolic link is followed, and nothing but a regular file or directory is ever opened for reading: what a name means
//! is found out by a descriptor that opens nothing (`O_PATH`). What vanishes meanwhile is left out. No recursion: how
//! deep the tree is is not ours to say.

mod attribute;

pub(crate) use attribute::is_opaque;

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::DecInt;

use crate::tar::{Header, Kind, Sink, TarWriter};

/// Directories within directories; each level holds a descriptor.
const DEPTH_MAX: usize = 2048;

/// What is to be done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It is written.
    Yes,
    /// It is left out, a directory with everything in it.
    No,
    /// A directory is written if something in it is.
    IfFilled,
}

/// Says what of a tree is written, and how.
pub(crate) trait Judge {
    /// What happens to the entry at `path` (relative to the tree, no slash at its ends).
    fn judge(&mut self, path: &[u8], stat: &Stat, directory: Option<BorrowedFd<'_>>) -> io::Result<Keep>;
    /// Whether the tree is an overlay's upper directory, whose marks become whiteouts.
    fn is_layer(&self) -> bool;
    /// The user and group to write, and to judge by.
    fn owner(&self, stat: &Stat) -> (u32, u32) {
        (stat.st_uid, stat.st_gid)
    }
}

/// Whom an archive names for the (user, group) that own something on the disk.
pub type Inside<'a> = &'a dyn Fn((u32, u32)) -> (u32, u32);

/// Everything as it is, but for owners.
struct All<'a> {
    inside: Inside<'a>,
}

impl Judge for All<'_> {
    fn judge(&mut self, _path: &[u8], _stat: &Stat, _directory: Option<BorrowedFd<'_>>) -> io::Result<Keep> {
        Ok(Keep::Yes)
    }

    fn is_layer(&self) -> bool {
        false
    }

    fn owner(&self, stat: &Stat) -> (u32, u32) {
        (self.inside)((stat.st_uid, stat.st_gid))
    }
}

/// Writes the directory `directory` as `name`, with everything in it.
///
/// # Errors
/// Reading or the receiver fails.
pub fn directory(directory: BorrowedFd<'_>, name: &[u8], inside: Inside<'_>, out: &mut dyn Sink) -> io::Result<()> {
    let mut judge = All { inside };
    let mut pack = Pack::new(out, name, &mut judge);
    let mut stat = rustix::fs::fstat(directory)?;
    (stat.st_uid, stat.st_gid) = inside((stat.st_uid, stat.st_gid));
    pack.directory_header(&[name, b"/"].concat(), &stat, Some(directory))?;
    pack.tree(directory)?;
    pack.tar.finish().map(|_| ())
}

/// Writes what is in the directory `directory`, by names relative to it.
///
/// # Errors
/// Reading or the receiver fails.
pub fn content(directory: BorrowedFd<'_>, inside: Inside<'_>, out: &mut dyn Sink) -> io::Result<()> {
    let mut judge = All { inside };
    let mut pack = Pack::new(out, b"", &mut judge);
    pack.relative = true;
    pack.tree(directory)?;
    pack.tar.finish().map(|_| ())
}

/// As [`content`], for what `judge` keeps. Returns whether there was anything.
pub(crate) fn judged(directory: BorrowedFd<'_>, judge: &mut dyn Judge, out: &mut dyn Sink) -> io::Result<bool> {
    let mut pack = Pack::new(out, b"", judge);
    pack.relative = true;
    pack.tree(directory)?;
    let any = pack.any;
    pack.tar.finish().map(|_| any)
}

/// Writes the one entry `name` of `parent`, which is no directory, as `shown`.
///
/// # Errors
/// Reading or the receiver fails.
pub fn entry(
    parent: BorrowedFd<'_>,
    name: &CStr,
    shown: &[u8],
    inside: Inside<'_>,
    out: &mut dyn Sink,
) -> io::Result<()> {
    let mut judge = All { inside };
    let mut pack = Pack::new(out, b"", &mut judge);
    let found = rustix::fs::openat(
        parent,
        name,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut stat = rustix::fs::fstat(&found)?;
    (stat.st_uid, stat.st_gid) = inside((stat.st_uid, stat.st_gid));
    pack.file(&found, &stat, shown)?;
    pack.tar.finish().map(|_| ())
}

struct Pack<'a> {
    tar: TarWriter<&'a mut dyn Sink>,
    judge: &'a mut dyn Judge,
    /// In front of each name, with a slash between.
    prefix: &'a [u8],
    /// There is nothing in front, not even a slash.
    relative: bool,
    /// Where the first name of each file with several went, by device and inode.
    linked: HashMap<(u64, u64), Vec<u8>>,
    levels: Vec<Level>,
    any: bool,
    /// Once it is needed.
    descriptors: Option<OwnedFd>,
}

/// A directory under way.
struct Level {
    directory: OwnedFd,
    names: std::vec::IntoIter<CString>,
    /// Path relative to the tree.
    path: Vec<u8>,
    /// Its header is written with the first entry in it.
    waiting: Option<Stat>,
}

impl<'a> Pack<'a> {
    fn new(out: &'a mut dyn Sink, prefix: &'a [u8], judge: &'a mut dyn Judge) -> Self {
        Self {
            tar: TarWriter::new(out),
            judge,
            prefix,
            relative: false,
            linked: HashMap::new(),
            levels: Vec::new(),
            any: false,
            descriptors: None,
        }
    }

    fn tree(&mut self, root: BorrowedFd<'_>) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(root, c".", flags, Mode::empty())?;
        self.enter(directory, Vec::new(), None)?;
        while let Some(level) = self.levels.last_mut() {
            let Some(name) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            let opened = rustix::fs::openat(
                &level.directory,
                &*name,
                OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            );
            let found = match opened {
                // Gone since the directory was read.
                Err(Errno::NOENT) => continue,
                found => found?,
            };
            let path = if level.path.is_empty() {
                name.to_bytes().to_vec()
            } else {
                [&level.path, b"/".as_slice(), name.to_bytes()].concat()
            };
            self.found(&found, path)?;
        }
        Ok(())
    }

    fn enter(&mut self, directory: OwnedFd, path: Vec<u8>, waiting: Option<Stat>) -> io::Result<()> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push(entry.file_name().to_owned());
            }
        }
        names.sort();
        self.levels.push(Level {
            directory,
            names: names.into_iter(),
            path,
            waiting,
        });
        Ok(())
    }

    fn found(&mut self, found: &OwnedFd, path: Vec<u8>) -> io::Result<()> {
        let mut stat = rustix::fs::fstat(found)?;
        (stat.st_uid, stat.st_gid) = self.judge.owner(&stat);
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::Directory {
            if self.judge.judge(&path, &stat, None)? == Keep::No {
                return Ok(());
            }
            self.write_waiting()?;
            let name = self.name(&path);
            if self.judge.is_layer() && kind == FileType::CharacterDevice && stat.st_rdev == 0 {
                return self.whiteout(&name, &stat);
            }
            return self.file(found, &stat, &name);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(found, c".", flags, Mode::empty())?;
        match self.judge.judge(&path, &stat, Some(directory.as_fd()))? {
            Keep::No => Ok(()),
            Keep::IfFilled => self.enter(directory, path, Some(stat)),
            Keep::Yes => {
                self.write_waiting()?;
                self.write_directory(&path, &stat, directory.as_fd())?;
                self.enter(directory, path, None)
            }
        }
    }

    /// Headers of directories that waited for something in them.
    fn write_waiting(&mut self) -> io::Result<()> {
        for at in 0..self.levels.len() {
            let Some(stat) = self.levels[at].waiting.take() else {
                continue;
            };
            let directory = self.levels[at].directory.try_clone()?;
            let path = self.levels[at].path.clone();
            self.write_directory(&path, &stat, directory.as_fd())?;
        }
        Ok(())
    }

    fn write_directory(&mut self, path: &[u8], stat: &Stat, directory: BorrowedFd<'_>) -> io::Result<()> {
        let mut name = self.name(path);
        name.push(b'/');
        self.directory_header(&name, stat, Some(directory))?;
        if self.judge.is_layer() && attribute::is_opaque(directory)? {
            name.extend_from_slice(b".wh..wh..opq");
            let mut header = header(&name, Kind::Regular, stat);
            header.mtime = 0;
            self.tar.header(&header)?;
        }
        Ok(())
    }

    fn directory_header(&mut self, name: &[u8], stat: &Stat, directory: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.any = true;
        let xattrs = directory.map_or_else(|| Ok(Vec::new()), attribute::of)?;
        self.tar.header(&Header {
            xattrs: &xattrs,
            ..header(name, Kind::Directory, stat)
        })
    }

    fn whiteout(&mut self, name: &[u8], stat: &Stat) -> io::Result<()> {
        self.any = true;
        let at = name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let name = [&name[..at], b".wh.", &name[at..]].concat();
        self.tar.header(&Header {
            mode: 0o600,
            ..header(&name, Kind::Regular, stat)
        })
    }

    /// What is no directory.
    fn file(&mut self, found: &OwnedFd, stat: &Stat, name: &[u8]) -> io::Result<()> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::Regular,
            FileType::Symlink => Kind::Symlink,
            FileType::Fifo => Kind::Fifo,
            FileType::CharacterDevice => Kind::CharDevice,
            FileType::BlockDevice => Kind::BlockDevice,
            FileType::Directory | FileType::Socket | FileType::Unknown => return Ok(()),
        };
        self.any = true;
        if stat.st_nlink > 1 {
            if let Some(first) = self.linked.get(&(stat.st_dev, stat.st_ino)) {
                return self.tar.header(&Header {
                    link: first,
                    ..header(name, Kind::HardLink, stat)
                });
            }
            self.linked.insert((stat.st_dev, stat.st_ino), name.to_vec());
        }
        match kind {
            Kind::Regular => self.regular(found, stat, name),
            Kind::Symlink => {
                let link = rustix::fs::readlinkat(found, c"", Vec::new())?;
                self.tar.header(&Header {
                    link: link.to_bytes(),
                    ..header(name, kind, stat)
                })
            }
            _ => self.tar.header(&header(name, kind, stat)),
        }
    }

    fn regular(&mut self, found: &OwnedFd, stat: &Stat, name: &[u8]) -> io::Result<()> {
        // Known to be a regular file: opening it has no effect.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let number = DecInt::from_fd(found);
        let file = rustix::fs::openat(self.descriptors()?, number, flags, Mode::empty())?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let xattrs = attribute::of(file.as_fd())?;
        self.tar.header(&Header {
            size,
            xattrs: &xattrs,
            ..header(name, Kind::Regular, stat)
        })?;
        self.tar.content(name, file.as_fd(), size)
    }

    /// The directory of this process's own descriptors.
    fn descriptors(&mut self) -> io::Result<&OwnedFd> {
        if self.descriptors.is_none() {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            self.descriptors = Some(rustix::fs::open(c"/proc/self/fd", flags, Mode::empty())?);
        }
        self.descriptors.as_ref().ok_or_else(|| Errno::BADF.into())
    }

    fn name(&self, path: &[u8]) -> Vec<u8> {
        if self.relative {
            return path.to_vec();
        }
        [self.prefix, b"/", path].concat()
    }
}

fn header<'n>(path: &'n [u8], kind: Kind, stat: &Stat) -> Header<'n> {
    let device = match kind {
        Kind::CharDevice | Kind::BlockDevice => (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)),
        _ => (0, 0),
    };
    Header {
        path,
        link: b"",
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime,
        size: 0,
        device,
        xattrs: &[],
    }
}

/// Whether something is at `name`, without following it.
pub(crate) fn look(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
