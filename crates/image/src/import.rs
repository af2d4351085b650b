//! `docker import`: an image with one layer from the tar of a file system.

use std::io::Read;

use corten_base::{Digest, Platform, Reference, Timestamp};

use crate::ErrorKind;
use crate::changes::ChangeError;
use crate::store::{Store, StoreError};

/// What `docker import` takes besides the tar.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The name to give, with a tag.
    pub reference: Option<Reference>,
    /// The comment; Docker's default is `Imported from -`.
    pub message: String,
    /// Instructions in Dockerfile syntax, one each.
    pub changes: Vec<String>,
    /// The platform to record; the host's if absent.
    pub platform: Option<Platform>,
    /// The time to record.
    pub created: Timestamp,
}

/// An import failed; nothing of it remains.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A change is wrong.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The tar is damaged or hostile, or reading it failed.
    #[error("{0}")]
    Archive(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Change(_) => ErrorKind::InvalidParameter,
            Self::Archive(_) | Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// Makes an image of the tar, plain or compressed, that `reader` gives; returns its id.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn import(&self, reader: &mut (dyn Read + Send), options: &ImportOptions) -> Result<Digest, ImportError> {
        let _unused = (reader, options);
        unimplemented!("import")
    }
}
