//! A tar stream from a container into a directory of this host.
//!
//! The stream is not trusted: names are taken apart, parents are opened beneath the directory by descriptors
//! (`openat2`, `RESOLVE_BENEATH`), so that neither `..` nor a link, in the stream or put there meanwhile, leads out.
//! Owners are not kept, as with Docker. Directories get their modes and times last, so that they can be filled first.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use corten_image::tar::{Kind, TarEntry, TarError, TarReader};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;

use super::rename::Rename;

/// The stream could not be unpacked; Docker's texts where it has one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error(transparent)]
    Tar(#[from] TarError),
    #[error("{path:?} is outside of {place:?}")]
    Outside { path: String, place: String },
    #[error("cannot overwrite directory {path:?} with non-directory {place:?}")]
    OverDirectory { path: String, place: String },
    #[error("cannot overwrite non-directory {path:?} with directory {place:?}")]
    OverFile { path: String, place: String },
    #[error("unhandled tar header type {0}")]
    Type(u8),
    #[error("{act} {path}: {source}")]
    Act {
        act: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
}

/// Unpacks `stream` into the directory `place`, with its entries renamed.
pub(crate) fn unpack(stream: impl BufRead, place: &str, rename: &Rename) -> Result<(), UnpackError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = fs::open(place, flags, Mode::empty()).map_err(|error| failed("open", place, error))?;
    let mut target = Target {
        root,
        place: place.to_owned(),
        directories: Vec::new(),
    };
    let mut reader = TarReader::new(stream);
    while let Some(entry) = reader.next_entry()? {
        target.entry(&entry, rename, &mut reader)?;
    }
    target.finish()
}

struct Target {
    root: OwnedFd,
    place: String,
    /// Directories of the stream, in its order, with what they get at the end.
    directories: Vec<(PathBuf, Mode, Timestamps)>,
}

fn failed(act: &'static str, path: &str, error: Errno) -> UnpackError {
    UnpackError::Act {
        act,
        path: path.to_owned(),
        source: error.into(),
    }
}

impl Target {
    fn entry(
        &mut self,
        entry: &TarEntry,
        rename: &Rename,
        reader: &mut TarReader<impl BufRead>,
    ) -> Result<(), UnpackError> {
        let path = self.inner(&rename.apply(&entry.path))?;
        let Some(name) = path.file_name().map(OsStr::to_owned) else {
            // The directory itself, which is there already.
            return Ok(());
        };
        let parent = self.parent(path.parent().unwrap_or(Path::new("")))?;
        let shown = Path::new(&self.place).join(&path).display().to_string();
        let act = |act: &'static str| {
            let shown = shown.clone();
            move |error: Errno| failed(act, &shown, error)
        };
        if !self.make_way(&parent, &name, &path, entry.kind)? {
            self.directories.push((path, mode(entry), times(entry)));
            return Ok(());
        }
        match entry.kind {
            Kind::Directory => {
                fs::mkdirat(&parent, &name, Mode::RWXU).map_err(act("mkdir"))?;
                self.directories.push((path, mode(entry), times(entry)));
                return Ok(());
            }
            Kind::Regular => return write_file(&parent, &name, entry, reader).map_err(|error| error.at(act)),
            Kind::Symlink => {
                fs::symlinkat(OsStr::from_bytes(&entry.link), &parent, &name).map_err(act("symlink"))?;
            }
            Kind::HardLink => {
                let first = self.inner(&rename.apply(&entry.link))?;
                let from = self.parent(first.parent().unwrap_or(Path::new("")))?;
                let first = first.file_name().unwrap_or_default();
                return fs::linkat(&from, first, &parent, &name, AtFlags::empty()).map_err(act("link"));
            }
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo => {
                make_node(&parent, &name, entry).map_err(act("mknod"))?;
            }
            Kind::Other(kind) => return Err(UnpackError::Type(kind)),
        }
        fs::utimensat(&parent, &name, &times(entry), AtFlags::SYMLINK_NOFOLLOW).map_err(act("chtimes"))
    }

    /// A name of the stream as a path below the place, without `.` and `..`.
    fn inner(&self, name: &[u8]) -> Result<PathBuf, UnpackError> {
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in name.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    if parts.pop().is_none() {
                        return Err(UnpackError::Outside {
                            path: String::from_utf8_lossy(name).into_owned(),
                            place: self.place.clone(),
                        });
                    }
                }
                part => parts.push(part),
            }
        }
        Ok(PathBuf::from(OsString::from_vec(parts.join(&b'/'))))
    }

    /// The directory `path` below the place, made where it is missing.
    fn parent(&self, path: &Path) -> Result<OwnedFd, UnpackError> {
        let shown = || Path::new(&self.place).join(path).display().to_string();
        match self.open(path) {
            Ok(directory) => return Ok(directory),
            Err(Errno::NOENT) => {}
            Err(Errno::XDEV) => {
                return Err(UnpackError::Outside {
                    path: shown(),
                    place: self.place.clone(),
                });
            }
            Err(error) => return Err(failed("open", &shown(), error)),
        }
        let above = self.parent(path.parent().unwrap_or(Path::new("")))?;
        let name = path.file_name().unwrap_or_default();
        match fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed("mkdir", &shown(), error)),
        }
        self.open(path).map_err(|error| failed("open", &shown(), error))
    }

    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        loop {
            match fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                // A rename elsewhere in the tree happened meanwhile.
                Err(Errno::AGAIN) => {}
                other => return other,
            }
        }
    }

    /// Removes what stands where an entry goes; false if that is a directory that is kept for a directory.
    fn make_way(&self, parent: &OwnedFd, name: &OsStr, path: &Path, kind: Kind) -> Result<bool, UnpackError> {
        let shown = Path::new(&self.place).join(path).display().to_string();
        let there = match fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(true),
            Err(error) => return Err(failed("lstat", &shown, error)),
            Ok(stat) => FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
        };
        let place = self.place.clone();
        match (there, kind == Kind::Directory) {
            (true, true) => Ok(false),
            (true, false) => Err(UnpackError::OverDirectory { path: shown, place }),
            (false, true) => Err(UnpackError::OverFile { path: shown, place }),
            (false, false) => {
                fs::unlinkat(parent, name, AtFlags::empty()).map_err(|error| failed("remove", &shown, error))?;
                Ok(true)
            }
        }
    }

    /// Modes and times of directories, the innermost first: a time changes when something is made inside.
    fn finish(self) -> Result<(), UnpackError> {
        for (path, mode, times) in self.directories.iter().rev() {
            let shown = Path::new(&self.place).join(path).display().to_string();
            let directory = self.open(path).map_err(|error| failed("open", &shown, error))?;
            // A path descriptor cannot be changed; its link in /proc names the very directory.
            let itself = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&directory));
            fs::chmod(&itself, *mode).map_err(|error| failed("chmod", &shown, error))?;
            fs::utimensat(fs::CWD, &itself, times, AtFlags::empty())
                .map_err(|error| failed("chtimes", &shown, error))?;
        }
        Ok(())
    }
}

enum WriteError {
    Tar(TarError),
    Act(&'static str, io::Error),
}

impl WriteError {
    fn at<F: FnOnce(Errno) -> UnpackError>(self, act: impl FnOnce(&'static str) -> F) -> UnpackError {
        match self {
            Self::Tar(error) => error.into(),
            Self::Act(what, error) => {
                let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                act(what)(errno)
            }
        }
    }
}

fn write_file(
    parent: &OwnedFd,
    name: &OsStr,
    entry: &TarEntry,
    reader: &mut TarReader<impl BufRead>,
) -> Result<(), WriteError> {
    let step = |what| move |error: Errno| WriteError::Act(what, error.into());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR).map_err(step("open"))?;
    let mut file = File::from(file);
    let mut written = 0;
    loop {
        let data = reader.fill_data().map_err(WriteError::Tar)?;
        if data.is_empty() {
            break;
        }
        let length = data.len();
        file.write_all(data).map_err(|error| WriteError::Act("write", error))?;
        written += length as u64;
        reader.consume_data(length);
    }
    if written != entry.size {
        return Err(WriteError::Act("write", io::ErrorKind::InvalidData.into()));
    }
    for (name, value) in entry.xattrs.iter().filter(|(name, _)| name == b"security.capability") {
        let name = OsStr::from_bytes(name);
        match fs::fsetxattr(&file, name, value, XattrFlags::empty()) {
            // Only root may, and not every filesystem can.
            Ok(()) | Err(Errno::PERM | Errno::NOTSUP) => {}
            Err(error) => return Err(step("setxattr")(error)),
        }
    }
    fs::fchmod(&file, mode(entry)).map_err(step("chmod"))?;
    fs::futimens(&file, &times(entry)).map_err(step("chtimes"))
}

fn make_node(parent: impl AsFd, name: &OsStr, entry: &TarEntry) -> Result<(), Errno> {
    let kind = match entry.kind {
        Kind::CharDevice => FileType::CharacterDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        _ => FileType::Fifo,
    };
    let device = fs::makedev(entry.device.0, entry.device.1);
    fs::mknodat(parent.as_fd(), name, kind, mode(entry), device)?;
    fs::chmodat(parent.as_fd(), name, mode(entry), AtFlags::empty())
}

fn mode(entry: &TarEntry) -> Mode {
    Mode::from_raw_mode(entry.mode & 0o7777)
}

fn times(entry: &TarEntry) -> Timestamps {
    let time = Timespec {
        tv_sec: entry.mtime.0,
        tv_nsec: i64::from(entry.mtime.1),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use tar::{Builder, EntryType, Header};

    use super::*;

    struct Stream(Builder<Vec<u8>>);

    impl Stream {
        fn new() -> Self {
            Self(Builder::new(Vec::new()))
        }

        /// Writes the name into the header as it is: the builder itself refuses `..`.
        fn add(mut self, kind: EntryType, name: &str, link: &str, data: &str) -> Self {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_mode(0o640);
            if kind == EntryType::Directory {
                header.set_mode(0o555);
            }
            header.set_mtime(1_000_000);
            header.set_size(data.len() as u64);
            header.set_cksum();
            self.0.append(&header, data.as_bytes()).unwrap();
            self
        }

        fn unpack(self, place: &Path, rename: &Rename) -> Result<(), String> {
            let bytes = self.0.into_inner().unwrap();
            let place = place.display().to_string();
            unpack(bytes.as_slice(), &place, rename).map_err(|error| error.to_string().replace(&place, "PLACE"))
        }
    }

    const DIR: EntryType = EntryType::Directory;
    const FILE: EntryType = EntryType::Regular;
    const LINK: EntryType = EntryType::Symlink;
    const HARD: EntryType = EntryType::Link;

    #[test]
    fn a_tree_with_modes_times_and_names() {
        let place = tempfile::tempdir().unwrap();
        let stream = Stream::new()
            .add(DIR, "a/", "", "")
            .add(FILE, "a/f", "", "text")
            .add(HARD, "a/g", "a/f", "")
            .add(LINK, "a/l", "../../x", "")
            .add(EntryType::Fifo, "a/p", "", "")
            .add(FILE, "a/new/h", "", "");
        stream.unpack(place.path(), &Rename::new("a", "b")).unwrap();
        let root = place.path().join("b");
        assert_eq!(std::fs::read_to_string(root.join("g")).unwrap(), "text");
        assert_eq!(std::fs::read_link(root.join("l")).unwrap(), Path::new("../../x"));
        let found = std::fs::metadata(root.join("f")).unwrap();
        assert_eq!((found.permissions().mode() & 0o7777, found.mtime()), (0o640, 1_000_000));
        let found = std::fs::metadata(&root).unwrap();
        assert_eq!((found.permissions().mode() & 0o7777, found.mtime()), (0o555, 1_000_000));
        assert!(root.join("new/h").exists());
        // For whoever removes the directory and is not root.
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn nothing_is_written_outside() {
        let outside = tempfile::tempdir().unwrap();
        let place = tempfile::tempdir().unwrap();
        let away = outside.path().display().to_string();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        symlink(&away, place.path().join("there")).unwrap();
        let refused = |stream: Stream| stream.unpack(place.path(), &Rename::default()).unwrap_err();
        assert_eq!(
            refused(Stream::new().add(FILE, "../x", "", "x")),
            "\"../x\" is outside of \"PLACE\""
        );
        let escape = |target: &str| Stream::new().add(LINK, "l", target, "").add(FILE, "l/x", "", "x");
        assert!(refused(escape(&away)).contains("outside"));
        assert!(refused(escape("../../../../../../../../tmp")).contains("outside"));
        assert!(refused(Stream::new().add(FILE, "there/x", "", "x")).contains("outside"));
        assert!(refused(Stream::new().add(HARD, "h", "there/secret", "")).contains("outside"));
        assert!(refused(Stream::new().add(HARD, "h", "../secret", "")).contains("outside"));
        // A link is replaced, not written through.
        let over = Stream::new().add(LINK, "o", &format!("{away}/secret"), "");
        over.add(FILE, "o", "", "mine")
            .unpack(place.path(), &Rename::default())
            .unwrap();
        assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "s");
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_and_a_file_do_not_replace_each_other() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("d")).unwrap();
        std::fs::write(place.path().join("f"), "").unwrap();
        let refused = |kind, name| {
            let stream = Stream::new().add(kind, name, "", "");
            stream.unpack(place.path(), &Rename::default()).unwrap_err()
        };
        assert_eq!(
            refused(FILE, "d"),
            "cannot overwrite directory \"PLACE/d\" with non-directory \"PLACE\""
        );
        assert_eq!(
            refused(DIR, "f"),
            "cannot overwrite non-directory \"PLACE/f\" with directory \"PLACE\""
        );
    }

    #[test]
    fn a_stream_cut_short_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let bytes = Stream::new()
            .add(FILE, "f", "", &"x".repeat(2000))
            .0
            .into_inner()
            .unwrap();
        let place = place.path().display().to_string();
        assert!(unpack(&bytes[..1024], &place, &Rename::default()).is_err());
        assert!(unpack(&b"not a tar at all"[..], &place, &Rename::default()).is_err());
    }
}
