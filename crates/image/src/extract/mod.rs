//! Unpacking a layer tar into a directory in overlayfs form. The tar is taken for hostile.
//!
//! Invariants, kept here and in [`place`]:
//! - Every path is taken apart by us, one whose `..` would rise above the root is refused, and a parent directory
//!   is only ever opened by `openat2(RESOLVE_IN_ROOT)`: a symbolic link of the layer, absolute or with `..`, leads to
//!   somewhere inside the layer's own directory. The last component is created without following.
//! - A hard link's target is resolved the same way, so only what is in the same layer can be linked.
//! - What would mean something to overlayfs is not taken from the tar: `trusted.overlay.*` and `user.overlay.*`
//!   attributes and 0:0 character devices are left out. Whiteouts come from `.wh.` names only.
//! - A name stands in a tar once, as in Docker: which of two would count is a matter of opinion.
//! - Directories that the tar only implies are made 0755 root and reported, so that they can take mode and owner from
//!   the layers below.
//!
//! No flushing here: the caller flushes once for all layers before it records any of them.

mod place;
pub(crate) mod remove;
mod whiteout;

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, BufRead};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatVfs, Timespec, Timestamps};

use crate::tar::{Kind, TarEntry, TarError, TarReader};

/// Space that an extraction leaves free on the file system: the bound of what a compression bomb can do.
const FREE_BYTES_RESERVED: u64 = 64 << 20;
/// How much is written between two looks at the free space.
const FREE_CHECK_BYTES: u64 = 64 << 20;
/// Open directories kept, so that the files of one directory cost one path walk.
const OPEN_DIRECTORIES: usize = 64;
/// Depth of directories: their removal holds two descriptors for each level.
const DEPTH_MAX: usize = 256;

/// A layer could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The tar is damaged.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A name that leads outside or that no file can have.
    #[error("invalid entry name {0:?}")]
    Name(String),
    /// A hard link to something outside.
    #[error("invalid hardlink target {0:?}")]
    LinkTarget(String),
    /// A whiteout that would remove a directory's own or parent entry.
    #[error("invalid whiteout entry {0:?}")]
    Whiteout(String),
    /// Two entries of one name.
    #[error("duplicates of file paths not supported")]
    Duplicate,
    /// An entry that is neither file, directory, link, device nor pipe.
    #[error("unhandled tar header type {0}")]
    Type(u8),
    /// The file system is (nearly) full.
    #[error("no space left on device: unpacking would leave less than {} MiB free", FREE_BYTES_RESERVED >> 20)]
    Space,
    /// A system call failed for an entry.
    #[error("{step} {path}: {}", corten_base::errno::words(source))]
    Io {
        /// What was done.
        step: &'static str,
        /// The entry, as it was written.
        path: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// What was unpacked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// Sum of the sizes of files and symbolic links, each once however many names it has.
    pub size_bytes: u64,
    /// Directories, relative to the root, that the tar only implies; parents before children.
    pub implied: Vec<Vec<u8>>,
}

/// Makes `diff` in the new layer's `directory`, which is made too: the root to unpack into.
pub(crate) fn make_root(directory: &Path) -> Result<File, ExtractError> {
    let failed = |source| ExtractError::Io {
        step: "create",
        path: directory.display().to_string(),
        source,
    };
    let diff = directory.join("diff");
    std::fs::create_dir_all(&diff).map_err(failed)?;
    let root = File::open(&diff).map_err(failed)?;
    rustix::fs::fchmod(&root, Mode::from_raw_mode(0o755)).map_err(|error| failed(error.into()))?;
    Ok(root)
}

/// Unpacks the tar that `reader` gives into `root`, an empty directory of ours.
///
/// # Errors
/// [`ExtractError`]; the caller removes what is there then.
pub fn extract<R: BufRead>(reader: &mut R, root: BorrowedFd<'_>) -> Result<Extracted, ExtractError> {
    let mut tar = TarReader::new(reader);
    let mut extractor = Extractor::new(root);
    while let Some(entry) = tar.next_entry()? {
        extractor.entry(&entry, &mut tar)?;
    }
    extractor.finish()
}

/// One extraction under way.
#[derive(Debug)]
struct Extractor<'a> {
    root: BorrowedFd<'a>,
    /// Directories open for the entries in them, by path as taken apart. Emptied whenever something is replaced.
    open: Vec<(Vec<u8>, OwnedFd)>,
    /// Names that entries have had so far.
    seen: HashSet<Vec<u8>>,
    /// Directories that no entry has described so far.
    implied: BTreeSet<Vec<u8>>,
    /// Whiteouts made so far: a directory of that name in the same layer hides what is below.
    whiteouts: HashSet<Vec<u8>>,
    /// Times of directories, set when nothing more is made in them.
    times: Vec<(Vec<u8>, (i64, u32))>,
    size_bytes: u64,
    /// Something with a size was replaced: count again at the end.
    recount: bool,
    unchecked_bytes: u64,
}

/// A path taken apart: its components without `.` and `..`, and as one text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CleanPath {
    text: Vec<u8>,
}

impl CleanPath {
    /// A leading slash means the root; a `..` that would rise above it is refused, as Docker does.
    fn of(raw: &[u8]) -> Result<Self, ExtractError> {
        if raw.contains(&0) {
            return Err(ExtractError::Name(lossy(raw)));
        }
        let mut components: Vec<&[u8]> = Vec::new();
        for component in raw.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => {
                    components.pop().ok_or_else(|| ExtractError::Name(lossy(raw)))?;
                }
                name => components.push(name),
            }
        }
        if components.len() > DEPTH_MAX {
            return Err(ExtractError::Name(lossy(raw)));
        }
        Ok(Self {
            text: components.join(&b'/'),
        })
    }

    /// Where a link in the directory `parent` leads: `..` at the root stays there, as the kernel does in a chroot.
    fn clamped(parent: &[u8], target: &[u8]) -> Self {
        let mut components: Vec<&[u8]> = Vec::new();
        let start: &[u8] = if target.starts_with(b"/") { b"" } else { parent };
        for component in start
            .split(|&byte| byte == b'/')
            .chain(target.split(|&byte| byte == b'/'))
        {
            match component {
                b"" | b"." => {}
                b".." => {
                    components.pop();
                }
                name => components.push(name),
            }
        }
        Self {
            text: components.join(&b'/'),
        }
    }

    fn is_root(&self) -> bool {
        self.text.is_empty()
    }

    /// Parent path and last component.
    fn split(&self) -> (&[u8], &[u8]) {
        match self.text.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&self.text[..slash], &self.text[slash + 1..]),
            None => (&[], &self.text),
        }
    }
}

impl<'a> Extractor<'a> {
    fn new(root: BorrowedFd<'a>) -> Self {
        Self {
            root,
            open: Vec::new(),
            seen: HashSet::new(),
            implied: BTreeSet::new(),
            whiteouts: HashSet::new(),
            times: Vec::new(),
            size_bytes: 0,
            recount: false,
            unchecked_bytes: FREE_CHECK_BYTES,
        }
    }

    fn entry<R: BufRead>(&mut self, entry: &TarEntry, tar: &mut TarReader<R>) -> Result<(), ExtractError> {
        let path = CleanPath::of(&entry.path)?;
        if path.is_root() {
            // Docker leaves the root of a layer as it made it.
            return Ok(());
        }
        if !self.seen.insert(path.text.clone()) {
            return Err(ExtractError::Duplicate);
        }
        let (_, name) = path.split();
        if name.starts_with(whiteout::PREFIX) {
            return self.whiteout(&path);
        }
        match entry.kind {
            Kind::Regular => self.place_file(&path, entry, tar),
            Kind::Directory => self.place_directory(&path, entry),
            Kind::HardLink => self.place_hard_link(&path, entry),
            Kind::Symlink => self.place_symlink(&path, entry),
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo => self.place_node(&path, entry),
            Kind::Other(byte) => Err(ExtractError::Type(byte)),
        }
    }

    /// Sets what had to wait until all was there.
    fn finish(mut self) -> Result<Extracted, ExtractError> {
        let mut times = std::mem::take(&mut self.times);
        times.sort();
        for (path, mtime) in &times {
            let path = CleanPath { text: path.clone() };
            let (parent, name) = path.split();
            let Some(parent) = self.existing(parent).map_err(io_error("openat", &path.text))? else {
                continue;
            };
            let set = rustix::fs::utimensat(parent, name, &timestamps(*mtime), AtFlags::SYMLINK_NOFOLLOW);
            match set {
                // Replaced by something else later, or removed with its parent.
                Err(rustix::io::Errno::NOENT) | Ok(()) => {}
                Err(error) => return Err(io_error("utimensat", &path.text)(error.into())),
            }
        }
        if self.recount {
            self.size_bytes = crate::snapshot::size::of_tree(self.root).map_err(io_error("count", b"."))?;
        }
        Ok(Extracted {
            size_bytes: self.size_bytes,
            implied: self.implied.into_iter().collect(),
        })
    }

    /// The directory at `path` (clean), if it is there, symbolic links resolved inside the root.
    fn existing(&mut self, path: &[u8]) -> io::Result<Option<BorrowedFd<'_>>> {
        if path.is_empty() {
            return Ok(Some(self.root));
        }
        let at = match self.open.iter().position(|(open, _)| open == path) {
            Some(at) => at,
            None => {
                let Some(directory) = open_in_root(self.root, path)? else {
                    return Ok(None);
                };
                if self.open.len() == OPEN_DIRECTORIES {
                    self.open.remove(0);
                }
                self.open.push((path.to_vec(), directory));
                self.open.len() - 1
            }
        };
        // The one used last is looked at last to be dropped.
        let last = self.open.len() - 1;
        self.open.swap(at, last);
        Ok(Some(std::os::fd::AsFd::as_fd(&self.open[last].1)))
    }

    /// Before the next `bytes` are written: is there room?
    fn claim_space(&mut self, bytes: u64) -> Result<(), ExtractError> {
        self.unchecked_bytes = self.unchecked_bytes.saturating_add(bytes);
        if self.unchecked_bytes >= FREE_CHECK_BYTES {
            self.unchecked_bytes = 0;
            let free: StatVfs =
                rustix::fs::fstatvfs(self.root).map_err(|error| io_error("look for space in", b".")(error.into()))?;
            if free.f_bavail.saturating_mul(free.f_frsize) < FREE_BYTES_RESERVED {
                return Err(ExtractError::Space);
            }
        }
        Ok(())
    }
}

/// Opens a directory below `root` with every link resolved inside it; none if it is not there.
fn open_in_root(root: BorrowedFd<'_>, path: &[u8]) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Ok(directory) => return Ok(Some(directory)),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            // A rename elsewhere on the system made the walk uncertain.
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn timestamps((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

fn io_error<'p>(step: &'static str, path: &'p [u8]) -> impl FnOnce(io::Error) -> ExtractError + use<'p> {
    move |source| ExtractError::Io {
        step,
        path: lossy(path),
        source,
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
