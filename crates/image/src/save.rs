//! `docker save`: a tar that `docker load` and OCI tools take.

use std::io::Write;

use crate::ErrorKind;
use crate::find::FindError;
use crate::store::{Store, StoreError};

/// A save failed.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// An image was not found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The receiver failed.
    #[error("write the archive")]
    Write(#[source] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SaveError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(error) => error.kind(),
            Self::Write(_) | Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// Writes the images `names` mean (names are looked up before the first byte is written; a repository without
    /// tag means all its tags). The same store writes the same bytes.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn save(&self, names: &[String], writer: &mut dyn Write) -> Result<(), SaveError> {
        let _unused = (names, writer);
        unimplemented!("save")
    }
}
