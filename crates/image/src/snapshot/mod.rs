//! Snapshots: the writable layer of each container over the layers of its image.

pub(crate) mod changes;
mod copy;
pub(crate) mod size;
mod view;

use std::fs::Permissions;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use corten_base::{ContainerId, Digest};
use corten_sys::fault::boundary;
use rustix::fs::{Mode, OFlags, ResolveFlags};

pub use changes::{Change, ChangeKind};
pub use copy::{copy_tree, copy_up};

use crate::ErrorKind;
use crate::store::sweep::names_in;
use crate::store::{State, Store, StoreError, remove_all};

/// Names the layer below by its key. A link and not a file: made in one step, nothing to flush, and short enough to
/// lie in the inode.
const LAYER_LINK: &str = "layer";
/// An empty file at the root of every container, by which programs tell that they are in one.
pub const MARK: &str = ".dockerenv";
/// The layer directory that stands in where there are no layers; made when needed.
pub(crate) const EMPTY_KEY: &str = "empty";

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
    #[error("{step} {}: {source}", path.display())]
    Io {
        /// What was done.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SnapshotError {
    pub(crate) fn io(step: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { step, path, source }
    }

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
    /// removed. Without an image it lies over nothing. Nothing is flushed: whoever records the container durably flushes the journal this is in.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing remains then.
    pub fn create_snapshot<'d>(
        &self,
        container: &ContainerId,
        image: impl Into<Option<&'d Digest>>,
    ) -> Result<Snapshot, SnapshotError> {
        let mut state = self.state();
        let top = match image.into() {
            Some(image) => {
                let record = self.records().view()?.image(image)?;
                record.ok_or(SnapshotError::NoImage(*image))?.top
            }
            None => None,
        };
        let place = self.snapshot_path(container);
        if place.exists() {
            return Err(SnapshotError::Exists(container.clone()));
        }
        let making = self.temporary("snapshot");
        let made = self
            .key_of(top.as_ref())
            .and_then(|key| fill(&making, &key))
            .and_then(|()| {
                boundary("snapshot.filled");
                std::fs::rename(&making, &place).map_err(SnapshotError::io("rename to", &place))
            });
        boundary("snapshot.placed");
        if let Err(error) = made {
            remove_all(&making)?;
            return Err(error);
        }
        if let Some(top) = top {
            *state.held.entry(top).or_default() += 1;
        }
        drop(state);
        self.snapshot_over(container, top.as_ref())
    }

    /// The snapshot of a container made earlier.
    ///
    /// # Errors
    /// [`SnapshotError::NotFound`].
    pub fn snapshot(&self, container: &ContainerId) -> Result<Snapshot, SnapshotError> {
        let top = self
            .chain_of(container)?
            .ok_or_else(|| SnapshotError::NotFound(container.clone()))?;
        self.snapshot_over(container, top.as_ref())
    }

    /// Removes a container's writable layer and lets go of the layers below; fine if there is none. The caller has
    /// seen to it that nothing is mounted. The files go in the background.
    ///
    /// # Errors
    /// [`SnapshotError`]; what is left then goes at the next open.
    pub fn remove_snapshot(&self, container: &ContainerId) -> Result<(), SnapshotError> {
        let unused = {
            let mut state = self.state();
            let Some(top) = self.chain_of(container)? else {
                return Ok(());
            };
            boundary("snapshot.remove");
            self.0.trash.take(&self.snapshot_path(container))?;
            boundary("snapshot.removed");
            top.filter(|top| state.let_go(top))
        };
        if let Some(top) = unused
            && self
                .records()
                .view()?
                .layer(&top)?
                .is_some_and(|layer| layer.references == 0)
        {
            self.release_unused(&top)?;
        }
        Ok(())
    }

    /// The containers that have snapshots; those without a record elsewhere are leftovers.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn snapshots(&self) -> Result<Vec<ContainerId>, SnapshotError> {
        let names = names_in(&self.snapshots_root())?;
        Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    /// Bytes of all files in a container's writable layer (`SizeRw`).
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn snapshot_size(&self, container: &ContainerId) -> Result<u64, SnapshotError> {
        let upper = self.snapshot_path(container).join("upper");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let size = rustix::fs::open(&upper, flags, Mode::empty())
            .map_err(Into::into)
            .and_then(|upper| Ok(size::of_tree(upper.as_fd())?.saturating_sub(prepared_bytes(upper.as_fd()))));
        size.map_err(SnapshotError::io("count", &upper))
    }

    /// The merged read-only tree of an image, as a descriptor of its root that is in no mount table. It exists until
    /// the descriptor is closed.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn view_image(&self, image: &Digest) -> Result<OwnedFd, SnapshotError> {
        let record = self
            .records()
            .view()?
            .image(image)?
            .ok_or(SnapshotError::NoImage(*image))?;
        self.view(self.lower_or_empty(record.top.as_ref())?)
    }

    /// As [`Store::view_image`] for a container that does not run, writable layer included.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn view_snapshot(&self, container: &ContainerId) -> Result<OwnedFd, SnapshotError> {
        let snapshot = self.snapshot(container)?;
        let mut layers = vec![snapshot.upper];
        layers.extend(snapshot.lower);
        self.view(layers)
    }

    /// As [`Store::view_image`] for what a container's writable layer lies on.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn view_below(&self, container: &ContainerId) -> Result<OwnedFd, SnapshotError> {
        self.view(self.snapshot(container)?.lower)
    }

    /// Mounts a container that does not run, writable, in the mount namespace of the calling thread, which must be one
    /// that nobody else sees; returns its root. The caller sees to it that it is mounted nowhere else.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn mount_snapshot(&self, container: &ContainerId) -> Result<OwnedFd, SnapshotError> {
        view::mount_writable(&self.snapshot(container)?)
    }

    fn view(&self, layers: Vec<PathBuf>) -> Result<OwnedFd, SnapshotError> {
        view::mount(&self.layers_root(), &self.at_least_two(layers)?)
    }

    /// The layers of a snapshot without its writable directory, as an overlay without one wants them: at least two,
    /// topmost first.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn readonly_layers(&self, container: &ContainerId) -> Result<Vec<PathBuf>, SnapshotError> {
        self.at_least_two(self.snapshot(container)?.lower)
    }

    fn at_least_two(&self, mut layers: Vec<PathBuf>) -> Result<Vec<PathBuf>, SnapshotError> {
        if layers.len() == 1 {
            layers.push(self.empty_layer("below")?);
        }
        Ok(layers)
    }

    /// At open: which chains are in use.
    pub(crate) fn count_snapshots(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        for name in names_in(&self.snapshots_root())? {
            if let Some(Some(top)) = self.chain_at(&self.snapshots_root().join(&name))? {
                *state.held.entry(top).or_default() += 1;
            }
        }
        Ok(())
    }

    /// What the layer link says for a chain.
    fn key_of(&self, top: Option<&Digest>) -> Result<String, SnapshotError> {
        let Some(top) = top else {
            return Ok(EMPTY_KEY.to_owned());
        };
        let layer = self.records().view()?.layer(top)?;
        Ok(layer.ok_or_else(|| StoreError::Damaged(top.to_string()))?.key)
    }

    fn snapshot_path(&self, container: &ContainerId) -> PathBuf {
        self.snapshots_root().join(container.as_str())
    }

    /// The chain that a container's snapshot stands on, none inside for an image without layers; none if it has none.
    pub(crate) fn chain_of(&self, container: &ContainerId) -> Result<Option<Option<Digest>>, SnapshotError> {
        Ok(self.chain_at(&self.snapshot_path(container))?)
    }

    fn chain_at(&self, snapshot: &Path) -> Result<Option<Option<Digest>>, StoreError> {
        let link = snapshot.join(LAYER_LINK);
        let key = match std::fs::read_link(&link) {
            Ok(key) => key.to_string_lossy().into_owned(),
            // Not a snapshot: whoever lists containers finds it without a record.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &link)(error)),
        };
        if key == EMPTY_KEY {
            return Ok(Some(None));
        }
        let chain = self.records().view()?.chain_by_key(&key)?;
        Ok(Some(Some(chain.ok_or(StoreError::Damaged(key))?)))
    }

    fn snapshot_over(&self, container: &ContainerId, top: Option<&Digest>) -> Result<Snapshot, SnapshotError> {
        let place = self.snapshot_path(container);
        let lower = self.lower_or_empty(top)?;
        let layers_root = self.layers_root();
        Ok(Snapshot {
            lower,
            layers_root,
            upper: place.join("upper"),
            work: place.join("work"),
        })
    }

    /// Overlay wants at least one lower directory.
    fn lower_or_empty(&self, top: Option<&Digest>) -> Result<Vec<PathBuf>, SnapshotError> {
        let lower = self.lower_directories(top)?;
        if lower.is_empty() {
            Ok(vec![self.empty_layer("diff")?])
        } else {
            Ok(lower)
        }
    }

    fn empty_layer(&self, name: &str) -> Result<PathBuf, SnapshotError> {
        let empty = self.layers_root().join(EMPTY_KEY).join(name);
        std::fs::create_dir_all(&empty).map_err(SnapshotError::io("create", &empty))?;
        Ok(empty)
    }
}

impl State {
    /// One snapshot or load less on `top`; true if that was the last.
    pub(crate) fn let_go(&mut self, top: &Digest) -> bool {
        let Some(count) = self.held.get_mut(top) else {
            return true;
        };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.held.remove(top);
        }
        last
    }
}

fn fill(making: &Path, key: &str) -> Result<(), SnapshotError> {
    let upper = making.join("upper");
    for directory in [making, &upper, &making.join("work")] {
        std::fs::create_dir(directory).map_err(SnapshotError::io("create", directory))?;
    }
    // The upper directory is what the container sees as its root; umask must not decide about its mode.
    std::fs::set_permissions(&upper, Permissions::from_mode(0o755)).map_err(SnapshotError::io("chmod", &upper))?;
    let mark = upper.join(MARK);
    let file = std::fs::File::create(&mark).map_err(SnapshotError::io("create", &mark))?;
    file.set_permissions(Permissions::from_mode(0o755))
        .map_err(SnapshotError::io("chmod", &mark))?;
    let link = making.join(LAYER_LINK);
    std::os::unix::fs::symlink(key, &link).map_err(SnapshotError::io("create", &link))
}
/// Bytes of what is no change of the container's though it is not empty: the link to the table of mounts.
fn prepared_bytes(upper: BorrowedFd<'_>) -> u64 {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = rustix::fs::openat2(upper, changes::MOUNT_TABLE, flags, Mode::empty(), resolve);
    link.and_then(rustix::fs::fstat)
        .ok()
        .filter(|stat| changes::is_prepared(changes::MOUNT_TABLE.as_bytes(), stat))
        .map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
}
