//! Snapshots: the writable layer of each container over the layers of its image.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use corten_base::{ContainerId, Digest};

use crate::ErrorKind;
use crate::store::{Store, StoreError};

/// What overlayfs needs to show a container's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Absolute paths of the read-only layers, topmost first; all of them are `<layers_root>/<key>/diff`. For an
    /// image without layers one empty directory.
    pub lower: Vec<PathBuf>,
    /// The directory that all `lower` are in, for mounts that need short relative names.
    pub layers_root: PathBuf,
    /// The writable directory.
    pub upper: PathBuf,
    /// Overlay's work directory, on the same file system.
    pub work: PathBuf,
}

/// A snapshot could not be made, opened, viewed or removed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The image does not exist (any more).
    #[error("No such image: {0}")]
    NoImage(Digest),
    /// The container has no snapshot.
    #[error("container {0} has no snapshot")]
    NotFound(ContainerId),
    /// The container has one already.
    #[error("container {0} already has a snapshot")]
    Exists(ContainerId),
    /// A step on the file system failed.
    #[error("{step} {}", path.display())]
    Io {
        /// What was done.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SnapshotError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoImage(_) | Self::NotFound(_) => ErrorKind::NotFound,
            Self::Exists(_) => ErrorKind::Conflict,
            Self::Io { .. } | Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// Makes the writable layer of a new container. From then on the image's layers stay, even if the image is
    /// removed.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing remains then.
    pub fn create_snapshot(&self, container: &ContainerId, image: &Digest) -> Result<Snapshot, SnapshotError> {
        unimplemented!("create snapshot of {image} for {container}")
    }

    /// The snapshot of a container made earlier.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`].
    pub fn snapshot(&self, container: &ContainerId) -> Result<Snapshot, SnapshotError> {
        unimplemented!("open snapshot of {container}")
    }

    /// Removes a container's writable layer and lets go of the layers below; fine if there is none. The caller has
    /// seen to it that nothing is mounted.
    ///
    /// # Errors
    /// [`SnapshotError`]; what is left then goes at the next open.
    pub fn remove_snapshot(&self, container: &ContainerId) -> Result<(), SnapshotError> {
        unimplemented!("remove snapshot of {container}")
    }

    /// The containers that have snapshots; those without a record elsewhere are leftovers.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn snapshots(&self) -> Result<Vec<ContainerId>, SnapshotError> {
        unimplemented!("list snapshots")
    }

    /// Bytes of all files in a container's writable layer (`SizeRw`).
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn snapshot_size(&self, container: &ContainerId) -> Result<u64, SnapshotError> {
        unimplemented!("size of {container}")
    }

    /// The merged read-only tree of an image, as a descriptor of its root that is in no mount table. It exists until
    /// the descriptor is closed.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn view_image(&self, image: &Digest) -> Result<OwnedFd, SnapshotError> {
        unimplemented!("view of {image}")
    }

    /// As [`Store::view_image`] for a container that does not run, writable layer included.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn view_snapshot(&self, container: &ContainerId) -> Result<OwnedFd, SnapshotError> {
        unimplemented!("view of {container}")
    }
}

/// Docker's copy-up of a new volume: if `into` is empty and `path` is a directory below `root` (resolved inside it),
/// copies its content with owners, modes, times, extended attributes, hard links, devices; and gives `into` itself
/// the directory's owner and mode. Returns whether something was there to copy from.
///
/// # Errors
/// [`SnapshotError::Io`]; `into` may then be partly filled.
pub fn copy_up(root: BorrowedFd<'_>, path: &Path, into: &Path) -> Result<bool, SnapshotError> {
    unimplemented!("copy {} of {root:?} to {}", path.display(), into.display())
}
