//! The store itself: opening, names, reference counts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use corten_base::{Digest, Reference};

use crate::find::FindError;

/// All images of one root directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(#[expect(dead_code, reason = "used when the bodies land")] Arc<PathBuf>);

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open image store {root}")]
pub struct OpenError {
    /// The root directory.
    pub root: PathBuf,
    /// Why.
    #[source]
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
        source: std::io::Error,
    },
}

impl Store {
    /// Opens the store at `root`, makes it if it is not there, and clears away what an interrupted process left.
    ///
    /// # Errors
    /// When another process has it open, its format is newer, or the disk fails.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(root.to_owned())))
    }

    /// Makes `target` (`:latest` implied) mean the image that `source` means. Returns the image's id.
    ///
    /// # Errors
    /// [`FindError`]; a target with a digest is refused.
    pub fn tag(&self, source: &str, target: &Reference) -> Result<Digest, FindError> {
        unimplemented!("tag {source} {target}")
    }

    /// The embedded image `hello-world:latest`, made if the name is unknown. Returns its id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn ensure_hello_world(&self) -> Result<Digest, StoreError> {
        unimplemented!("hello-world")
    }
}
