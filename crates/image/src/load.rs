//! `docker load`: images from a docker-archive or an OCI layout.

use std::io::Read;

use corten_base::{Digest, Reference};

use crate::ErrorKind;
use crate::store::{Store, StoreError};

/// One loaded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its id.
    pub id: Digest,
    /// The names that now mean it.
    pub references: Vec<Reference>,
}

/// What happens while loading, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadEvent {
    /// A layer is being unpacked; the last one of a layer has both numbers equal.
    Layer {
        /// The layer.
        diff_id: Digest,
        /// Bytes done.
        current_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// A line for the client (`Loaded image: x:latest`), without its line end.
    Message(String),
}

/// A load failed; nothing of it remains. Displays as Docker's message where Docker has one.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Reading what the client sends failed, or it ended early.
    #[error("{0}")]
    Archive(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoadError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }
}

impl Store {
    /// Loads all images of the archive that `reader` gives, plain or compressed, streaming; layers unpack side by
    /// side. `progress` is called on the calling thread.
    ///
    /// # Errors
    /// [`LoadError`]; nothing of the archive is then in the store.
    pub fn load(
        &self,
        reader: &mut (dyn Read + Send),
        progress: &mut dyn FnMut(LoadEvent),
    ) -> Result<Vec<Loaded>, LoadError> {
        let _unused = (reader, progress);
        unimplemented!("load")
    }
}
