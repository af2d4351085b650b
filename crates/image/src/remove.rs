//! `docker rmi`: untagging, and deletion when nothing needs the image any more.

use corten_base::{ContainerId, Digest};

use crate::ErrorKind;
use crate::find::FindError;
use crate::store::{Store, StoreError};

/// How to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Also when several names or a stopped container refer to it.
    pub force: bool,
    /// Delete parents too that have no name and no other child (the API's `noprune` reversed).
    pub prune: bool,
}

/// A container that uses an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The container.
    pub container: ContainerId,
    /// The image it was made from.
    pub image: Digest,
    /// Whether it runs or is paused.
    pub running: bool,
}

/// One step that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name was taken away: its familiar form.
    Untagged(String),
    /// An image's or a layer chain's content was deleted.
    Deleted(Digest),
}

/// An image was not removed. Displays as Docker's message.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is no such image.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Something uses it.
    #[error("{0}")]
    Conflict(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RemoveError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(error) => error.kind(),
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// Removes what `reference` means by Docker's rules; `users` are all containers. Also returns the id of the image
    /// that was meant, for events.
    ///
    /// # Errors
    /// [`RemoveError`]; nothing is changed then.
    pub fn remove(
        &self,
        reference: &str,
        options: RemoveOptions,
        users: &[User],
    ) -> Result<(Digest, Vec<Removed>), RemoveError> {
        let _unused = (reference, options, users);
        unimplemented!("remove")
    }
}
