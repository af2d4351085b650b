//! Looking images up by name, digest, id or id prefix, and listing them.

use std::sync::Arc;

use corten_base::{AnyReference, Digest, Reference, Timestamp};

use crate::ErrorKind;
use crate::config::ImageConfig;
use crate::store::{Store, StoreError};

/// One image, as `inspect` needs it.
#[derive(Debug, Clone)]
pub struct Image {
    /// Digest of the configuration's bytes.
    pub id: Digest,
    /// The parsed configuration.
    pub config: Arc<ImageConfig>,
    /// Chain ids of its layers, bottom first.
    pub chain_ids: Vec<Digest>,
    /// Sum of the sizes of the files in all its layers, in bytes.
    pub size_bytes: u64,
    /// All names with tag or digest that mean this image, sorted.
    pub references: Vec<Reference>,
    /// When it was last tagged here; [`Timestamp::ZERO`] if never.
    pub last_tagged: Timestamp,
    /// The image it was made from on this machine.
    pub parent: Option<Digest>,
}

impl Image {
    /// `RepoTags`: familiar names with tags.
    #[must_use]
    pub fn repo_tags(&self) -> Vec<String> {
        self.references
            .iter()
            .filter(|name| name.digest().is_none())
            .map(Reference::familiar)
            .collect()
    }

    /// `RepoDigests`: familiar names with digests.
    #[must_use]
    pub fn repo_digests(&self) -> Vec<String> {
        self.references
            .iter()
            .filter(|name| name.digest().is_some())
            .map(Reference::familiar)
            .collect()
    }

    /// Size in bytes of each layer is kept per chain id; an empty layer of the history has none.
    /// The newest step first, as `docker history` shows it.
    #[must_use]
    pub fn parent_chain(&self) -> Option<&Digest> {
        self.chain_ids.last()
    }
}

/// One row of `docker images`.
pub type ImageSummary = Image;

/// One row of `docker history`, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// The image id for the newest row, `<missing>` for the others.
    pub id: String,
    /// When the step was made.
    pub created: Option<Timestamp>,
    /// The step's command.
    pub created_by: String,
    /// The step's comment.
    pub comment: String,
    /// Bytes in the layer the step made; 0 if it made none.
    pub size_bytes: u64,
    /// Familiar names, on the newest row only.
    pub tags: Vec<String>,
}

/// An image could not be looked up. Displays as Docker's message.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The text cannot name an image.
    #[error(transparent)]
    Reference(#[from] corten_base::reference::ParseReferenceError),
    /// No image has this name or id, or several ids begin so.
    #[error("No such image: {0}")]
    NotFound(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FindError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Reference(_) => ErrorKind::InvalidParameter,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// The image that `name` means: a name (`:latest` implied), `name@digest`, a full id, or a unique id prefix.
    ///
    /// # Errors
    /// [`FindError`], with Docker's message.
    pub fn find(&self, name: &str) -> Result<Arc<Image>, FindError> {
        let _any = AnyReference::parse(name)?;
        unimplemented!("find {name}")
    }

    /// The image with this id.
    ///
    /// # Errors
    /// [`FindError::NotFound`] and failures of the store.
    pub fn image(&self, id: &Digest) -> Result<Arc<Image>, FindError> {
        unimplemented!("image {id}")
    }

    /// All images, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self) -> Result<Vec<Arc<ImageSummary>>, StoreError> {
        unimplemented!("list")
    }

    /// The steps of an image, newest first, as `docker history` shows them.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub fn history(&self, name: &str) -> Result<Vec<HistoryItem>, FindError> {
        unimplemented!("history {name}")
    }
}
