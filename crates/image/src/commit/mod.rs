//! `docker commit`: a container's writable layer becomes the topmost layer of a new image. It is written as a tar
//! ([`changes`]) that is digested and unpacked while it is written ([`layer`]), so that nothing is held in memory and
//! what is stored is what its digest says.

mod changes;
mod layer;

use std::io;
use std::path::Path;

use corten_base::{ContainerId, Digest, Reference, Timestamp};
use corten_sys::fault::boundary;

use crate::ErrorKind;
use crate::layer::{Hold, NewLayer};
use crate::load::{Admission, LAYERS_MAX, LoadError, NewImage, WorkDirectory};
use crate::snapshot::SnapshotError;
use crate::store::{Store, StoreError};
use changes::Changes;

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
        let work: WorkDirectory = self.work_directory("commit").map_err(LoadError::from)?;
        let layer = match is_empty {
            true => None,
            false => Some(layer::make(&mut changes, top, &work.path)?),
        };
        read().map_err(CommitError::Read)?;
        boundary("commit.read");
        Ok(self.record(request, (top, hold), (layer, &work.path), describe)?)
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
            tagged: Some(Timestamp::now()),
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
