//! `docker load`: images from a docker-archive or an OCI layout.
//!
//! One pass over the stream ([`stage`]), layers unpacking behind it ([`unpack`]); then the manifest is read
//! ([`layout`]), digests are verified, directories put in order, everything flushed once, moved to its place and
//! recorded in one transaction. All of it lies in one work directory under `tmp/` until then, so that a failure or
//! death leaves nothing.

mod growing;
mod layout;
mod stage;
mod unpack;

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use corten_base::{Digest, Platform, Reference, Timestamp};
use corten_sys::fault::boundary;

use crate::ErrorKind;
use crate::config::{ImageConfig, chain_id};
use crate::extract::ExtractError;
use crate::layer::{Hold, NewLayer, Stored, retain_blob, retain_layer, settle_implied};
use crate::store::tag::set_tag;
use crate::store::{ImageRecord, Store, StoreError};
use crate::tar::TarError;
use layout::ArchivedImage;
use stage::{Archive, Known, Staging};
use unpack::{Job, Unpackers};

/// Docker's limit; also what fits the options of mount(2) on older kernels.
pub(crate) const LAYERS_MAX: usize = 125;

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
    /// What the archive says does not fit together.
    #[error("{0}")]
    Archive(String),
    /// Reading what the client sends failed, or it is damaged or ends early.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A layer could not be unpacked.
    #[error(transparent)]
    Layer(#[from] ExtractError),
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
        self.load_for(None, reader, progress)
    }

    /// [`Store::load`] of those images alone that are for a platform; the others are as if the archive had them not.
    ///
    /// # Errors
    /// [`LoadError`]; nothing of the archive is then in the store.
    pub fn load_for(
        &self,
        platform: Option<&Platform>,
        reader: &mut (dyn Read + Send),
        progress: &mut dyn FnMut(LoadEvent),
    ) -> Result<Vec<Loaded>, LoadError> {
        let work = self.work_directory("load")?;
        let images = std::thread::scope(|scope| {
            let unpackers = start(scope)?;
            let staging = Staging {
                directory: &work.path,
                unpackers: &unpackers,
                known: self.known_blobs()?,
            };
            let archive = staging.archive(reader)?;
            boundary("load.staged");
            self.prepare(&archive, platform, &work.path, progress)
        })?;
        boundary("load.unpacked");
        let messages = self.admit(&images)?;
        messages
            .into_iter()
            .for_each(|message| progress(LoadEvent::Message(message)));
        Ok(images
            .images
            .into_iter()
            .map(|image| Loaded {
                id: image.id,
                references: image.references,
            })
            .collect())
    }

    /// Receives one layer alone and unpacks it, on `parent`, for `import`. The closure gets it, and the
    /// work directory it lies in.
    pub(crate) fn with_layer<T>(
        &self,
        reader: &mut (dyn Read + Send),
        parent: Option<Digest>,
        use_layer: impl FnOnce(NewLayer, &Path) -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        let work = self.work_directory("import")?;
        let layer = std::thread::scope(|scope| {
            let unpackers = start(scope)?;
            let staging = Staging {
                directory: &work.path,
                unpackers: &unpackers,
                known: Known::new(),
            };
            let blob = staging.layer(reader)?;
            boundary("import.staged");
            let job = blob
                .unpacking
                .clone()
                .expect("a layer received alone is always unpacked");
            let unpacked = job.wait()?;
            let diff_id = unpacked.diff_id.unwrap_or(blob.digest);
            Ok::<_, LoadError>(NewLayer {
                chain: chain_id(parent.as_ref(), &diff_id),
                parent,
                diff_id,
                directory: job.directory.clone(),
                size_bytes: unpacked.extracted.size_bytes,
                blob: blob.digest,
                blob_bytes: blob.size_bytes,
                stored: Stored::Whole(blob.path),
            })
        })?;
        boundary("import.unpacked");
        use_layer(layer, &work.path)
    }

    pub(crate) fn work_directory(&self, purpose: &str) -> Result<WorkDirectory, StoreError> {
        let path = self.temporary(purpose);
        std::fs::create_dir(&path).map_err(StoreError::io("create", &path))?;
        Ok(WorkDirectory {
            store: self.clone(),
            path,
        })
    }

    fn known_blobs(&self) -> Result<Known, StoreError> {
        let blobs = self.records().view()?.blobs()?;
        Ok(blobs
            .into_iter()
            .map(|(digest, blob)| (blob.size_bytes, digest))
            .collect())
    }

    /// Verifies all images of an archive and puts the layers in order that are not in the store yet.
    fn prepare(
        &self,
        archive: &Archive,
        platform: Option<&Platform>,
        work: &Path,
        progress: &mut dyn FnMut(LoadEvent),
    ) -> Result<Admission, LoadError> {
        let mut preparing = Preparing {
            store: self,
            archive,
            work,
            taken: HashSet::new(),
            layers: Vec::new(),
            holds: Vec::new(),
            progress,
        };
        let mut images = Vec::new();
        for archived in layout::images(archive)? {
            images.extend(preparing.image(archived, platform)?);
        }
        Ok(Admission {
            layers: preparing.layers,
            images,
            tagged: None,
            _holds: preparing.holds,
        })
    }

    /// Flushes, moves to its place and records what was prepared. Returns the lines for the client.
    pub(crate) fn admit(&self, admission: &Admission) -> Result<Vec<String>, LoadError> {
        self.flush()?;
        boundary("load.flushed");
        let mut state = self.state();
        let transaction = self.records().begin()?;
        for layer in &admission.layers {
            // Another load may have brought the same layer meanwhile.
            if transaction.layer(&layer.chain)?.is_none() {
                if transaction.blob(&layer.blob)?.is_none() {
                    match &layer.stored {
                        Stored::Whole(path) => place(path, &self.blob_path(&layer.blob))?,
                        Stored::Outline(path) => place(path, &self.outline_path(&layer.blob))?,
                    }
                }
                self.add_layer(&transaction, layer)?;
            }
        }
        boundary("load.layers-placed");
        let mut messages = Vec::new();
        for image in &admission.images {
            if transaction.image(&image.id)?.is_none() {
                if transaction.blob(&image.id)?.is_none() {
                    place(&image.config_path, &self.blob_path(&image.id))?;
                }
                retain_blob(&transaction, &image.id, image.config_bytes)?;
                if let Some(top) = &image.top {
                    retain_layer(&transaction, top)?;
                }
                let record = ImageRecord {
                    top: image.top,
                    last_tagged: Timestamp::ZERO,
                    parent: image.parent,
                };
                transaction.set_image(&image.id, Some(&record))?;
            }
            for name in &image.references {
                if let Some(previous) = transaction.name(name)?.filter(|previous| *previous != image.id) {
                    messages.push(format!(
                        "The image {} already exists, renaming the old one with ID {previous} to empty string",
                        name.familiar()
                    ));
                }
                match admission.tagged {
                    Some(now) => set_tag(&transaction, name, &image.id, now)?,
                    None => transaction.set_name(name, &image.id)?,
                }
                messages.push(format!("Loaded image: {}", name.familiar()));
            }
        }
        // Docker names ids only if the last image has no name, and then all of them.
        if admission.images.last().is_some_and(|image| image.references.is_empty()) {
            messages.extend(
                admission
                    .images
                    .iter()
                    .map(|image| format!("Loaded image ID: {}", image.id)),
            );
        }
        for directory in [self.layers_root(), self.0.root.join("blobs/sha256")] {
            corten_base::file::sync_directory(&directory).map_err(StoreError::io("flush", &directory))?;
        }
        boundary("load.placed");
        transaction.commit()?;
        state.images.clear();
        boundary("load.recorded");
        Ok(messages)
    }

    /// Waits until all that was written under the root is on the disk.
    fn flush(&self) -> Result<(), StoreError> {
        let root = &self.0.root;
        let flush = || rustix::fs::syncfs(std::fs::File::open(root)?).map_err(std::io::Error::from);
        flush().map_err(StoreError::io("flush", root))
    }
}

fn place(from: &Path, target: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, target).map_err(StoreError::io("rename to", target))
}

fn start<'scope>(scope: &'scope std::thread::Scope<'scope, '_>) -> Result<Unpackers, StoreError> {
    Unpackers::start(scope).map_err(StoreError::io("start threads for", Path::new("unpacking")))
}

/// A directory under `tmp/` that goes with this value. What is in it may be a large tree that turned out not to be
/// needed, so nobody waits for its removal.
#[derive(Debug)]
pub(crate) struct WorkDirectory {
    store: Store,
    pub(crate) path: PathBuf,
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        if let Err(error) = self.store.0.trash.take(&self.path) {
            // What is left goes at the next open.
            tracing::warn!(%error, "work directory remains");
        }
    }
}

/// Layers and images that are ready to be recorded.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    pub(crate) layers: Vec<NewLayer>,
    pub(crate) images: Vec<NewImage>,
    /// When they are given their names, for `LastTagTime`; an archive's bring them along, which counts as no tagging.
    pub(crate) tagged: Option<Timestamp>,
    /// Layers of the store that these stand on.
    pub(crate) _holds: Vec<Hold>,
}

/// An image that is ready to be recorded.
#[derive(Debug)]
pub(crate) struct NewImage {
    pub(crate) id: Digest,
    pub(crate) config_path: PathBuf,
    pub(crate) config_bytes: u64,
    pub(crate) top: Option<Digest>,
    /// The image it was made from here.
    pub(crate) parent: Option<Digest>,
    pub(crate) references: Vec<Reference>,
}

/// Preparing the images of one archive.
struct Preparing<'a> {
    store: &'a Store,
    archive: &'a Archive,
    work: &'a Path,
    /// Files whose unpacked directory is in use by a chain.
    taken: HashSet<usize>,
    layers: Vec<NewLayer>,
    holds: Vec<Hold>,
    progress: &'a mut dyn FnMut(LoadEvent),
}

impl Preparing<'_> {
    /// Verifies an image, unless another platform's is asked for.
    fn image(&mut self, archived: ArchivedImage, platform: Option<&Platform>) -> Result<Option<NewImage>, LoadError> {
        let file = &self.archive.files[archived.config];
        let config = read_config(&file.document("image configuration")?)?;
        if platform.is_some_and(|wanted| !config.platform().suits(wanted)) {
            return Ok(None);
        }
        let (expected, got) = (config.rootfs.diff_ids.len(), archived.layers.len());
        if expected != got {
            return Err(LoadError::Archive(format!(
                "invalid manifest, layers length mismatch: expected {expected}, got {got}"
            )));
        }
        if expected > LAYERS_MAX {
            return Err(LoadError::Archive("max depth exceeded".into()));
        }
        let mut parent = None;
        // Topmost first, for what implied directories take from below.
        let mut lower: Vec<PathBuf> = Vec::new();
        for (position, (diff_id, number)) in config.rootfs.diff_ids.iter().zip(&archived.layers).enumerate() {
            let chain = chain_id(parent.as_ref(), diff_id);
            let diff = match self.present(&chain)? {
                Some(diff) => diff,
                None => self.layer(*number, position, (chain, parent, *diff_id), &lower)?,
            };
            lower.insert(0, diff);
            parent = Some(chain);
        }
        Ok(Some(NewImage {
            id: file.digest,
            config_path: file.path.clone(),
            config_bytes: file.size_bytes,
            top: parent,
            parent: None,
            references: archived.references,
        }))
    }

    /// The tree of a layer that is in the store or among those already prepared.
    fn present(&mut self, chain: &Digest) -> Result<Option<PathBuf>, StoreError> {
        if let Some(layer) = self.layers.iter().find(|layer| layer.chain == *chain) {
            return Ok(Some(layer.directory.join("diff")));
        }
        let Some((hold, layer)) = self.store.hold(chain)? else {
            return Ok(None);
        };
        self.holds.push(hold);
        Ok(Some(self.store.diff_path(&layer.key)))
    }

    fn layer(
        &mut self,
        number: usize,
        position: usize,
        (chain, parent, diff_id): (Digest, Option<Digest>, Digest),
        lower: &[PathBuf],
    ) -> Result<PathBuf, LoadError> {
        let file = &self.archive.files[number];
        let job = match &file.unpacking {
            Some(job) if self.taken.insert(number) => std::sync::Arc::clone(job),
            _ => {
                let directory = self.work.join(format!("{}.again", self.layers.len()));
                let source = growing::Growing::complete(&file.path).map_err(StoreError::io("open", &file.path))?;
                let job = Job::new(source, file.compression, directory);
                job.run();
                job
            }
        };
        let unpacked = job.wait()?;
        let actual = unpacked.diff_id.unwrap_or(file.digest);
        if actual != diff_id {
            return Err(LoadError::Archive(format!(
                "invalid diffID for layer {position}: expected \"{diff_id}\", got \"{actual}\""
            )));
        }
        let diff = job.directory.join("diff");
        settle_implied(&diff, &unpacked.extracted.implied, lower)?;
        self.layers.push(NewLayer {
            chain,
            parent,
            diff_id,
            directory: job.directory.clone(),
            size_bytes: unpacked.extracted.size_bytes,
            blob: file.digest,
            blob_bytes: file.size_bytes,
            stored: Stored::Whole(file.path.clone()),
        });
        let size = file.size_bytes;
        (self.progress)(LoadEvent::Layer {
            diff_id,
            current_bytes: size,
            total_bytes: size,
        });
        Ok(diff)
    }
}

fn read_config(text: &[u8]) -> Result<ImageConfig, LoadError> {
    let fail = |message: String| Err(LoadError::Archive(message));
    match serde_json::from_slice::<ImageConfig>(text) {
        Ok(config) if !matches!(config.os.as_str(), "" | "linux") => {
            fail(format!("cannot load {} image on linux", config.os))
        }
        Ok(config) => Ok(config),
        Err(error) if error.to_string().starts_with("missing field `rootfs`") => {
            fail("invalid image JSON, no RootFS key".into())
        }
        Err(error) => fail(format!("invalid image configuration: {error}")),
    }
}
