//! The store itself: opening, and what every act on it shares.
//!
//! Order of effects, so that a kill at any point leaves a whole store: content is made under `tmp/`, flushed, renamed
//! to its place, then recorded in one transaction; removal takes the record away first and the files after. Acts that
//! change records or layers hold [`Inner::state`]; unpacking and reading do not.

mod blob;
mod records;
pub(crate) mod sweep;
pub(crate) mod tag;
mod trash;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corten_base::Digest;
pub(crate) use records::{BlobRecord, ImageRecord, LayerRecord, Records, Transaction, View};

use crate::find::Image;

/// What the name of an outline has behind the blob's digest.
const OUTLINE: &str = ".outline";

/// All images of one root directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(pub(crate) Arc<Inner>);

/// What all clones of a [`Store`] share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: PathBuf,
    pub(crate) records: Records,
    pub(crate) state: Mutex<State>,
    pub(crate) trash: trash::Trash,
    next_temporary: AtomicU64,
}

/// What is known besides the database; its lock makes changes one at a time.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// How many snapshots, and loads under way, need each chain.
    pub(crate) held: HashMap<Digest, usize>,
    /// Images looked up since the last change.
    pub(crate) images: HashMap<Digest, Arc<Image>>,
}

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open image store {}: {source}", root.display())]
pub struct OpenError {
    /// The root directory.
    pub root: PathBuf,
    /// Why.
    pub source: StoreError,
}

/// The store failed: disk or database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A step on the file system failed.
    #[error("{step} {}: {source}", path.display())]
    Io {
        /// What was done.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The database failed.
    #[error("image database: {0}")]
    Database(#[from] Box<redb::Error>),
    /// A record or stored configuration is not what was written.
    #[error("image database: damaged record of {0}")]
    Damaged(String),
    /// The directory was written by a later version.
    #[error("format {0} of the image store is newer than this program")]
    Format(u64),
}

impl StoreError {
    pub(crate) fn io(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { step, path, source }
    }
}

impl Store {
    /// Opens the store at `root`, makes it if it is not there, and clears away what an interrupted process left.
    ///
    /// # Errors
    /// When another process has it open, its format is newer, or the disk fails.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let open = || -> Result<Self, StoreError> {
            for directory in ["blobs/sha256", "layers/empty/diff", "snapshots", "tmp", "trash"] {
                let path = root.join(directory);
                std::fs::create_dir_all(&path).map_err(StoreError::io("create", &path))?;
            }
            let records = Records::open(&root.join("metadata.redb"))?;
            let state = Mutex::default();
            let trash = trash::Trash::new(root.join("trash"));
            let inner = Inner {
                root: root.to_owned(),
                records,
                state,
                trash,
                next_temporary: AtomicU64::new(0),
            };
            let store = Self(Arc::new(inner));
            store.sweep()?;
            Ok(store)
        };
        open().map_err(|source| OpenError {
            root: root.to_owned(),
            source,
        })
    }

    pub(crate) fn records(&self) -> &Records {
        &self.0.records
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // What it guards is counts and a cache, changed in single steps: valid even after a panic elsewhere.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.0.root.join("blobs/sha256").join(digest.hex())
    }

    /// Where the outline of a blob is that is not stored as it is.
    pub(crate) fn outline_path(&self, digest: &Digest) -> PathBuf {
        self.0
            .root
            .join("blobs/sha256")
            .join(format!("{}{OUTLINE}", digest.hex()))
    }

    pub(crate) fn layers_root(&self) -> PathBuf {
        self.0.root.join("layers")
    }

    pub(crate) fn diff_path(&self, key: &str) -> PathBuf {
        self.layers_root().join(key).join("diff")
    }

    pub(crate) fn snapshots_root(&self) -> PathBuf {
        self.0.root.join("snapshots")
    }

    /// A path under `tmp/` that nothing else uses.
    pub(crate) fn temporary(&self, purpose: &str) -> PathBuf {
        let number = self.0.next_temporary.fetch_add(1, Ordering::Relaxed);
        self.0.root.join("tmp").join(format!("{purpose}-{number}"))
    }
}

/// Removes a file or tree; fine if it is not there.
pub(crate) fn remove_all(path: &Path) -> Result<(), StoreError> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
