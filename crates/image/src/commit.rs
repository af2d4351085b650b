//! `docker commit`: a container's writable layer becomes the topmost layer of a new image. The layer is written as a
//! tar while the store takes it in like one that is loaded, so that nothing is held in memory and what is stored is
//! what its digest says.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use corten_base::{ContainerId, Digest, Reference};
use corten_sys::fault::boundary;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::ErrorKind;
use crate::layer::{Hold, NewLayer};
use crate::load::{Admission, LAYERS_MAX, LoadError, NewImage, WorkDirectory};
use crate::pack::{self, Judge, Keep};
use crate::snapshot::SnapshotError;
use crate::snapshot::changes::is_prepared;
use crate::store::{Store, StoreError};
use crate::tar::TarError;

/// Pieces of the tar between its writer and its reader.
const PIECES: usize = 8;
/// Bytes of one.
const PIECE_BYTES: usize = 256 << 10;

/// What the new image's layers are, for whoever writes its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Digests of the uncompressed layer tars, bottom first.
    pub diff_ids: Vec<Digest>,
    /// The container had changed nothing: there is no new layer.
    pub is_empty: bool,
}

/// A commit failed; nothing of it remains.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The container's files cannot be reached.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The changes cannot be read.
    #[error("read the container's changes: {0}")]
    Read(#[source] io::Error),
    /// The layer cannot be stored.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl CommitError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Snapshot(error) => error.kind(),
            Self::Read(_) => ErrorKind::Internal,
            Self::Load(error) => error.kind(),
        }
    }
}

/// What is committed.
#[derive(Clone, Copy)]
pub struct CommitRequest<'a> {
    /// Whose changes.
    pub container: &'a ContainerId,
    /// The image it was made from; not noted if it is gone.
    pub parent: Option<Digest>,
    /// The new image's name, with a tag.
    pub reference: Option<&'a Reference>,
    /// Who inside the container owns what these (user, group) own on the disk.
    pub inside: &'a (dyn Fn((u32, u32)) -> (u32, u32) + Sync),
}

impl Store {
    /// Makes an image of what the container changed, on the layers that it stands on. `read` is called when the
    /// container's files are not needed any more, and may say that they did not stay the same; `describe` writes the configuration. Returns the image's id.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the image remains then.
    pub fn commit(
        &self,
        request: CommitRequest<'_>,
        read: impl FnOnce() -> io::Result<()>,
        describe: impl FnOnce(&Committed) -> serde_json::Result<Vec<u8>>,
    ) -> Result<Digest, CommitError> {
        let container = request.container;
        let top = self.chain_of(container)?;
        let top = top.ok_or_else(|| SnapshotError::NotFound(container.clone()))?;
        // The container may go meanwhile.
        let hold = top.map(|top| self.hold(&top)).transpose().map_err(LoadError::from)?;
        let hold = hold.flatten().map(|(hold, _)| hold);
        let mut changes = Changes::open(self, request)?;
        let is_empty = !changes.any().map_err(CommitError::Read)?;
        let record = |layer: Option<NewLayer>, work: &Path| {
            read().map_err(TarError::Read)?;
            boundary("commit.read");
            self.record(request, (top, hold), (layer, work), describe)
        };
        if is_empty {
            let work: WorkDirectory = self.work_directory("commit").map_err(LoadError::from)?;
            return Ok(record(None, &work.path)?);
        }
        let (sender, receiver) = sync_channel(PIECES);
        std::thread::scope(|scope| {
            let packing = std::thread::Builder::new()
                .name("commit".to_owned())
                .spawn_scoped(scope, move || changes.write(sender))
                .map_err(CommitError::Read)?;
            let mut reader = PieceReader::new(receiver);
            let made = self.with_layer(&mut reader, top, |layer, work| record(Some(layer), work));
            drop(reader);
            let packed = packing
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the writer of the layer ended early")));
            match (made, packed) {
                // What went wrong first is why the other side failed.
                (Err(_), Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommitError::Read(error)),
                (made, _) => Ok(made?),
            }
        })
    }

    fn record(
        &self,
        request: CommitRequest<'_>,
        (top, hold): (Option<Digest>, Option<Hold>),
        (layer, work): (Option<NewLayer>, &Path),
        describe: impl FnOnce(&Committed) -> serde_json::Result<Vec<u8>>,
    ) -> Result<Digest, LoadError> {
        let mut diff_ids = self.diff_ids(top.as_ref())?;
        diff_ids.extend(layer.as_ref().map(|layer| layer.diff_id));
        if diff_ids.len() > LAYERS_MAX {
            return Err(LoadError::Archive("max depth exceeded".to_owned()));
        }
        let committed = Committed {
            diff_ids,
            is_empty: layer.is_none(),
        };
        let config = describe(&committed).map_err(|error| LoadError::Archive(error.to_string()))?;
        let config_path = work.join("config");
        std::fs::write(&config_path, &config).map_err(StoreError::io("write", &config_path))?;
        let id = Digest::of(&config);
        let image = NewImage {
            id,
            config_path,
            config_bytes: config.len() as u64,
            top: layer.as_ref().map(|layer| layer.chain).or(top),
            parent: request.parent.filter(|parent| self.image(parent).is_ok()),
            references: request.reference.cloned().into_iter().collect(),
        };
        boundary("commit.admit");
        self.admit(&Admission {
            layers: layer.into_iter().collect(),
            images: vec![image],
            _holds: hold.into_iter().collect(),
        })?;
        boundary("commit.admitted");
        Ok(id)
    }

    /// The digests of a chain's layers, bottom first.
    fn diff_ids(&self, top: Option<&Digest>) -> Result<Vec<Digest>, StoreError> {
        let view = self.records().view()?;
        let mut diff_ids = Vec::new();
        let mut next = top.copied();
        while let Some(chain) = next {
            let layer = view
                .layer(&chain)?
                .ok_or_else(|| StoreError::Damaged(chain.to_string()))?;
            diff_ids.push(layer.diff_id);
            next = layer.parent;
        }
        diff_ids.reverse();
        Ok(diff_ids)
    }
}

/// A container's writable layer, and what decides which of it goes into an image.
struct Changes<'a> {
    upper: OwnedFd,
    below: OwnedFd,
    inside: &'a (dyn Fn((u32, u32)) -> (u32, u32) + Sync),
}

impl<'a> Changes<'a> {
    fn open(store: &Store, request: CommitRequest<'a>) -> Result<Self, CommitError> {
        let upper = store.snapshot(request.container)?.upper;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&upper, flags, Mode::empty());
        Ok(Self {
            upper: opened.map_err(|error| CommitError::Read(error.into()))?,
            below: store.view_below(request.container)?,
            inside: request.inside,
        })
    }

    /// Whether there are any.
    fn any(&mut self) -> io::Result<bool> {
        let upper = self.upper.try_clone()?;
        match pack::judged(upper.as_fd(), self, &mut First) {
            Err(error) if error.kind() == io::ErrorKind::WriteZero => Ok(true),
            any => any,
        }
    }

    fn write(&mut self, to: SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
        let upper = self.upper.try_clone()?;
        let mut writer = PieceWriter {
            to,
            gathered: Vec::with_capacity(PIECE_BYTES),
        };
        let packed = pack::judged(upper.as_fd(), self, &mut writer);
        match packed.and_then(|_| writer.flush()) {
            Ok(()) => Ok(()),
            Err(error) => {
                // Without this an archive cut short would pass for a whole one.
                drop(writer.to.send(Err(io::Error::from(error.kind()))));
                Err(error)
            }
        }
    }
}

impl Judge for Changes<'_> {
    fn judge(&mut self, path: &[u8], stat: &Stat, directory: Option<BorrowedFd<'_>>) -> io::Result<Keep> {
        let Some(below) = self.below(path)? else {
            return Ok(match (is_prepared(path, stat), directory) {
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

impl crate::tar::Sink for First {}

struct PieceWriter {
    to: SyncSender<io::Result<Vec<u8>>>,
    gathered: Vec<u8>,
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE_BYTES));
        self.to.send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl crate::tar::Sink for PieceWriter {}

struct PieceReader {
    from: Receiver<io::Result<Vec<u8>>>,
    current: io::Cursor<Vec<u8>>,
}

impl PieceReader {
    fn new(from: Receiver<io::Result<Vec<u8>>>) -> Self {
        Self {
            from,
            current: io::Cursor::default(),
        }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.current.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match self.from.recv() {
                Ok(piece) => self.current = io::Cursor::new(piece?),
                Err(_) => return Ok(0),
            }
        }
    }
}
