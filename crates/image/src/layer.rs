//! Layers in the store: adding an unpacked one, and letting go of one that nothing needs any more.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use corten_base::Digest;
use corten_sys::fault::boundary;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps};

use crate::store::{BlobRecord, LayerRecord, Store, StoreError, Transaction};

/// Digits of the chain id that a layer's directory is named by, more only if another layer begins so too.
const KEY_DIGITS: usize = 12;

/// A layer that lies unpacked under `tmp/`.
#[derive(Debug)]
pub(crate) struct NewLayer {
    pub(crate) chain: Digest,
    pub(crate) parent: Option<Digest>,
    pub(crate) diff_id: Digest,
    /// The directory that holds `diff`.
    pub(crate) directory: PathBuf,
    pub(crate) size_bytes: u64,
    pub(crate) blob: Digest,
    pub(crate) blob_bytes: u64,
    pub(crate) stored: Stored,
}

/// Where a new layer's blob lies under `tmp/`, and in which form.
#[derive(Debug)]
pub(crate) enum Stored {
    /// As it was received.
    Whole(PathBuf),
    /// As an outline of it.
    Outline(PathBuf),
}

/// Layers and blobs whose records are gone; their files go after the commit.
#[derive(Debug, Default)]
pub(crate) struct Released {
    pub(crate) chains: Vec<Digest>,
    keys: Vec<String>,
    blobs: Vec<Digest>,
}

impl Store {
    /// Records a layer and counts it with its parent and its blob. The directory goes to its place first.
    pub(crate) fn add_layer(&self, transaction: &Transaction, layer: &NewLayer) -> Result<(), StoreError> {
        let key = self.free_key(&layer.chain, transaction)?;
        let target = self.layers_root().join(&key);
        std::fs::rename(&layer.directory, &target).map_err(StoreError::io("rename to", &target))?;
        boundary("layer.placed");
        let record = LayerRecord {
            diff_id: layer.diff_id,
            parent: layer.parent,
            key,
            size_bytes: layer.size_bytes,
            blob: layer.blob,
            references: 0,
        };
        transaction.set_layer(&layer.chain, Some(&record))?;
        retain_blob(transaction, &layer.blob, layer.blob_bytes)?;
        match &layer.parent {
            Some(parent) => retain_layer(transaction, parent),
            None => Ok(()),
        }
    }

    fn free_key(&self, chain: &Digest, transaction: &Transaction) -> Result<String, StoreError> {
        let layers = transaction.layers()?;
        let hex = chain.hex();
        let free = |key: &&str| !layers.iter().any(|(_, layer)| layer.key == *key);
        let key = (KEY_DIGITS..=hex.len())
            .map(|digits| &hex[..digits])
            .find(free)
            .unwrap_or(&hex)
            .to_owned();
        // A directory without a record is what a failed act left; it would be swept at the next open.
        self.0.trash.take(&self.layers_root().join(&key))?;
        Ok(key)
    }

    /// The directories of a chain, topmost first.
    pub(crate) fn lower_directories(&self, top: Option<&Digest>) -> Result<Vec<PathBuf>, StoreError> {
        let view = self.records().view()?;
        let mut directories = Vec::new();
        let mut next = top.copied();
        while let Some(chain) = next {
            let layer = view
                .layer(&chain)?
                .ok_or_else(|| StoreError::Damaged(chain.to_string()))?;
            directories.push(self.diff_path(&layer.key));
            next = layer.parent;
        }
        Ok(directories)
    }

    /// Keeps a layer in the store until the hold is dropped, whatever is removed meanwhile; none if it is not there.
    pub(crate) fn hold(&self, chain: &Digest) -> Result<Option<(Hold, LayerRecord)>, StoreError> {
        let mut state = self.state();
        let Some(layer) = self.records().view()?.layer(chain)? else {
            return Ok(None);
        };
        *state.held.entry(*chain).or_default() += 1;
        Ok(Some((
            Hold {
                store: self.clone(),
                chain: *chain,
            },
            layer,
        )))
    }

    /// After the last hold on a chain is gone: removes it if no image needs it either.
    pub(crate) fn release_unreferenced(&self, chain: &Digest) -> Result<(), StoreError> {
        let layer = self.records().view()?.layer(chain)?;
        if layer.is_some_and(|layer| layer.references == 0) {
            self.release_unused(chain)
        } else {
            Ok(())
        }
    }

    /// Removes the records of a chain that nothing uses, with the files; for layers that only a snapshot held.
    pub(crate) fn release_unused(&self, chain: &Digest) -> Result<(), StoreError> {
        let state = self.state();
        let transaction = self.records().begin()?;
        let released = release_chain(&transaction, chain, &|chain| state.held.contains_key(chain))?;
        transaction.commit()?;
        self.remove_files(&released)
    }

    /// The last step of a removal: nothing names these any more.
    pub(crate) fn remove_files(&self, released: &Released) -> Result<(), StoreError> {
        for key in &released.keys {
            boundary("layer.remove");
            self.0.trash.take(&self.layers_root().join(key))?;
        }
        for blob in &released.blobs {
            boundary("blob.remove");
            // One of the two is there.
            self.0.trash.take(&self.blob_path(blob))?;
            self.0.trash.take(&self.outline_path(blob))?;
        }
        Ok(())
    }
}

/// A layer that a load under way relies on.
#[derive(Debug)]
pub(crate) struct Hold {
    store: Store,
    chain: Digest,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let last = self.store.state().let_go(&self.chain);
        if last && let Err(error) = self.store.release_unreferenced(&self.chain) {
            // It goes at the next open.
            tracing::warn!(%error, "unused layer remains");
        }
    }
}

impl Released {
    pub(crate) fn add(&mut self, other: Self) {
        self.chains.extend(other.chains);
        self.keys.extend(other.keys);
        self.blobs.extend(other.blobs);
    }

    pub(crate) fn add_blob(&mut self, blob: Digest) {
        self.blobs.push(blob);
    }
}

/// Counts one more user of a layer.
pub(crate) fn retain_layer(transaction: &Transaction, chain: &Digest) -> Result<(), StoreError> {
    let mut layer = transaction
        .layer(chain)?
        .ok_or_else(|| StoreError::Damaged(chain.to_string()))?;
    layer.references += 1;
    transaction.set_layer(chain, Some(&layer))
}

/// Counts one more user of a blob, the first perhaps.
pub(crate) fn retain_blob(transaction: &Transaction, digest: &Digest, size_bytes: u64) -> Result<(), StoreError> {
    let mut blob = transaction.blob(digest)?.unwrap_or(BlobRecord {
        size_bytes,
        references: 0,
    });
    blob.references += 1;
    transaction.set_blob(digest, Some(&blob))
}

/// Counts one user of a blob less; true if that was the last.
pub(crate) fn release_blob(transaction: &Transaction, digest: &Digest) -> Result<bool, StoreError> {
    let Some(mut blob) = transaction.blob(digest)? else {
        return Ok(false);
    };
    blob.references = blob.references.saturating_sub(1);
    let last = blob.references == 0;
    transaction.set_blob(digest, if last { None } else { Some(&blob) })?;
    Ok(last)
}

/// One user of the layer `top` is gone: counts it, and takes away the records that nothing needs then.
pub(crate) fn release_layer(
    transaction: &Transaction,
    top: &Digest,
    held: &dyn Fn(&Digest) -> bool,
) -> Result<Released, StoreError> {
    if let Some(mut layer) = transaction.layer(top)? {
        layer.references = layer.references.saturating_sub(1);
        transaction.set_layer(top, Some(&layer))?;
    }
    release_chain(transaction, top, held)
}

/// From `top` downwards, takes away each layer that has no user; `held` tells of snapshots.
fn release_chain(
    transaction: &Transaction,
    top: &Digest,
    held: &dyn Fn(&Digest) -> bool,
) -> Result<Released, StoreError> {
    let mut released = Released::default();
    let mut next = Some(*top);
    while let Some(chain) = next {
        let Some(layer) = transaction.layer(&chain)? else { break };
        if layer.references > 0 || held(&chain) {
            break;
        }
        transaction.set_layer(&chain, None)?;
        if release_blob(transaction, &layer.blob)? {
            released.blobs.push(layer.blob);
        }
        released.chains.push(chain);
        released.keys.push(layer.key);
        next = layer.parent;
        if let Some(parent) = &next
            && let Some(mut below) = transaction.layer(parent)?
        {
            below.references = below.references.saturating_sub(1);
            transaction.set_layer(parent, Some(&below))?;
        }
    }
    Ok(released)
}

/// Gives each directory that a tar only implied the owner, mode and times of the one below it, if there is one.
/// `lower` are the layers below, topmost first.
pub(crate) fn settle_implied(diff: &Path, implied: &[Vec<u8>], lower: &[PathBuf]) -> Result<(), StoreError> {
    if implied.is_empty() || lower.is_empty() {
        return Ok(());
    }
    let failed = |path: &Path| StoreError::io("take mode and owner for", path);
    let open = |path: &Path| rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let lower: Vec<_> = lower
        .iter()
        .map(|path| open(path))
        .collect::<Result<_, _>>()
        .map_err(|error| failed(diff)(error.into()))?;
    let root = open(diff).map_err(|error| failed(diff)(error.into()))?;
    // Children first: setting a child's attributes must not touch the times set on its parent.
    for path in implied.iter().rev() {
        let settle = || -> rustix::io::Result<()> {
            let Some(below) = directory_below(&lower, path)? else {
                return Ok(());
            };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = rustix::fs::openat2(&root, &**path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?;
            let owner = (
                rustix::fs::Uid::from_raw(below.st_uid),
                rustix::fs::Gid::from_raw(below.st_gid),
            );
            rustix::fs::fchown(&directory, Some(owner.0), Some(owner.1))?;
            rustix::fs::fchmod(&directory, Mode::from_raw_mode(below.st_mode & 0o7777))?;
            rustix::fs::futimens(&directory, &modified(&below))
        };
        settle().map_err(|error| failed(&diff.join(String::from_utf8_lossy(path).as_ref()))(error.into()))?;
    }
    Ok(())
}

/// The directory that shows at `path` in the layers, unless something else hides it.
fn directory_below(lower: &[std::os::fd::OwnedFd], path: &[u8]) -> rustix::io::Result<Option<Stat>> {
    for layer in lower {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat2(layer, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            Ok(found) => {
                let stat = rustix::fs::statat(found.as_fd(), c"", AtFlags::EMPTY_PATH)?;
                let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
                return Ok(is_directory.then_some(stat));
            }
            Err(rustix::io::Errno::NOENT) => {}
            // A file or whiteout stands in the way.
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

pub(crate) fn modified(stat: &Stat) -> Timestamps {
    #[expect(
        clippy::cast_possible_wrap,
        clippy::useless_conversion,
        reason = "the field's type differs between processors"
    )]
    let time = Timespec {
        tv_sec: stat.st_mtime.into(),
        tv_nsec: stat.st_mtime_nsec as i64,
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}
