//! What the overlay filesystem of this kernel can do, and how it is told of directories.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{FsOpenFlags, fsconfig_set_flag, fsconfig_set_string, fsopen};

/// Whether layers can be given one by one (`lowerdir+`, Linux 6.7).
///
/// Before 6.5 overlay takes any parameter and looks at it only when it is mounted, so a parameter
/// that no kernel has is tried as well. Nothing is mounted, and the kernel log stays empty.
#[must_use]
pub fn takes_layers_one_by_one() -> bool {
    let Ok(context) = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC) else {
        return false;
    };
    fsconfig_set_flag(&context, "corten-probe").is_err() && fsconfig_set_string(&context, "lowerdir+", "/").is_ok()
}

/// The longest value of a parameter (fsconfig(2), `FSCONFIG_SET_STRING`), in bytes.
const VALUE_BYTES: usize = 255;

/// Tells a context of a directory, which is looked up here and now; its path may be longer than what a parameter holds.
///
/// # Errors
/// The directory cannot be opened, or the kernel refuses it.
pub fn set_directory(context: BorrowedFd<'_>, key: &str, path: &Path) -> io::Result<()> {
    let short = Short::of(path)?;
    Ok(fsconfig_set_string(context, key, &*short.name)?)
}

/// A directory by a name that is short enough for a parameter. Only good in this process, and as long as it lives.
#[derive(Debug)]
struct Short {
    name: PathBuf,
    _directory: Option<OwnedFd>,
}

impl Short {
    /// The path itself, or for a long one the name of a descriptor.
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().as_bytes().len() <= VALUE_BYTES {
            return Ok(Self {
                name: path.to_owned(),
                _directory: None,
            });
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self {
            name: format!("/proc/self/fd/{}", directory.as_raw_fd()).into(),
            _directory: Some(directory),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_become_short_and_lead_to_the_same() {
        let place = tempfile::tempdir().expect("a directory");
        let long = (0..6).fold(place.path().to_owned(), |path, _| path.join("x".repeat(60)));
        assert!(Short::of(&long).is_err(), "not there");
        std::fs::create_dir_all(&long).expect("made");
        std::fs::write(long.join("file"), "content").expect("written");
        let short = Short::of(&long).expect("opens");
        assert!(short.name.as_os_str().len() < 30);
        let read = std::fs::read_to_string(short.name.join("file"));
        assert_eq!(read.expect("readable"), "content");
        assert_eq!(Short::of(Path::new("/a/b")).expect("short").name, Path::new("/a/b"));
    }
}
