//! `docker commit`: a container's writable layer becomes the topmost layer of a new image. The layer is written as a
//! tar while the store takes it in like one that is loaded, so that nothing is held in memory and what is stored is
//! what its digest says.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use corten_base::{ContainerId, Digest, Reference};
use corten_sys::fault::boundary;
use rustix::fs::{FileType, Mode, OFlags, Stat};

use crate::ErrorKind;
use crate::layer::NewLayer;
use crate::load::{Admission, LoadError, NewImage};
use crate::pack::{self, Judge, Keep};
use crate::snapshot::SnapshotError;
use crate::snapshot::changes::is_prepared;
use crate::store::{Store, StoreError};
use crate::unpack::open_in;

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

impl Store {
    /// Makes an image of what the container changed, on the layers that it stands on; `parent` is the image it was made
    /// from. `read` is called when the container's files are not needed any more; `describe` writes the configuration.
    /// Returns the image's id.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn commit(
        &self,
        container: &ContainerId,
        parent: Option<Digest>,
        reference: Option<Reference>,
        read: impl FnOnce(),
        describe: impl FnOnce(&Committed) -> Vec<u8>,
    ) -> Result<Digest, CommitError> {
        let top = self.chain_of(container).map_err(CommitError::Snapshot)?;
        let top = top.ok_or_else(|| SnapshotError::NotFound(container.clone()))?;
        let mut changes = Changes::open(self, container)?;
        let is_empty = !changes.any().map_err(CommitError::Read)?;
        let parent = parent.filter(|parent| self.image(parent).is_ok());
        let record = |layer: Option<NewLayer>, work: &Path| -> Result<Digest, LoadError> {
            read();
            let mut diff_ids = self.diff_ids(top.as_ref())?;
            diff_ids.extend(layer.as_ref().map(|layer| layer.diff_id));
            let config = describe(&Committed { diff_ids, is_empty });
            let config_path = work.join("config");
            std::fs::write(&config_path, &config).map_err(StoreError::io("write", &config_path))?;
            let id = Digest::of(&config);
            let image = NewImage {
                id,
                config_path,
                config_bytes: config.len() as u64,
                top: layer.as_ref().map(|layer| layer.chain).or(top),
                parent,
                references: reference.into_iter().collect(),
            };
            boundary("commit.admit");
            self.admit(&Admission {
                layers: layer.into_iter().collect(),
                images: vec![image],
                _holds: Vec::new(),
            })?;
            boundary("commit.admitted");
            Ok(id)
        };
        if is_empty {
            let work = self.work_directory("commit").map_err(LoadError::from)?;
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
struct Changes {
    upper: OwnedFd,
    below: OwnedFd,
}

impl Changes {
    fn open(store: &Store, container: &ContainerId) -> Result<Self, CommitError> {
        let upper = store.snapshot(container)?.upper;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&upper, flags, Mode::empty());
        Ok(Self {
            upper: opened.map_err(|error| CommitError::Read(error.into()))?,
            below: store.view_below(container)?,
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

impl Judge for Changes {
    fn judge(&mut self, path: &[u8], stat: &Stat, directory: Option<BorrowedFd<'_>>) -> io::Result<Keep> {
        let below = match open_in(self.below.as_fd(), path, OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(below) => Some(rustix::fs::fstat(below)?),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(match (below, directory) {
            (None, None) if is_prepared(path, stat) => Keep::No,
            (None, Some(_)) if is_prepared(path, stat) => Keep::IfFilled,
            (None, _) | (Some(_), None) => Keep::Yes,
            (Some(below), Some(directory)) => {
                let same = FileType::from_raw_mode(below.st_mode) == FileType::Directory
                    && (below.st_mode, below.st_uid, below.st_gid) == (stat.st_mode, stat.st_uid, stat.st_gid);
                if same && !pack::is_opaque(directory)? {
                    Keep::IfFilled
                } else {
                    Keep::Yes
                }
            }
        })
    }

    fn is_layer(&self) -> bool {
        true
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
