//! What opening clears away: everything on disk that the database does not name, and layers that nothing uses. It is
//! moved to `trash/`, which a thread empties, so that the open does not wait for it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use corten_base::{Digest, Timestamp};

use super::{Store, StoreError, remove_all};
use crate::snapshot::EMPTY_KEY;

impl Store {
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let root = &self.0.root;
        self.sweep_directory(&root.join("tmp"), &HashSet::new())?;
        self.count_snapshots()?;
        for chain in self.unused_chains()? {
            self.release_unused(&chain)?;
        }
        let view = self.records().view()?;
        let mut keys: HashSet<OsString> = view.layers()?.into_iter().map(|(_, layer)| layer.key.into()).collect();
        keys.insert(EMPTY_KEY.into());
        self.sweep_directory(&root.join("layers"), &keys)?;
        let blobs: HashSet<OsString> = view
            .blobs()?
            .into_iter()
            .map(|(digest, _)| digest.hex().into())
            .collect();
        self.sweep_directory(&root.join("blobs/sha256"), &blobs)?;
        empty(&root.join("trash"))
    }

    /// Layers that were kept for a snapshot that is gone.
    fn unused_chains(&self) -> Result<Vec<Digest>, StoreError> {
        let state = self.state();
        let layers = self.records().view()?.layers()?.into_iter();
        let unused = layers.filter(|(chain, layer)| layer.references == 0 && !state.snapshots.contains_key(chain));
        Ok(unused.map(|(chain, _)| chain).collect())
    }

    fn sweep_directory(&self, directory: &Path, wanted: &HashSet<OsString>) -> Result<(), StoreError> {
        for name in names_in(directory)? {
            if !wanted.contains(&name) {
                self.throw_away(directory, &name)?;
            }
        }
        Ok(())
    }

    fn throw_away(&self, directory: &Path, name: &OsStr) -> Result<(), StoreError> {
        move_to(&self.0.root.join("trash"), &directory.join(name)).map(drop)
    }

    /// Removes a tree of which nothing is needed any more, without waiting for it.
    pub(crate) fn remove_later(&self, path: &Path) -> Result<(), StoreError> {
        remove_in_background(vec![move_to(&self.0.root.join("trash"), path)?])
    }
}

fn move_to(trash: &Path, path: &Path) -> Result<PathBuf, StoreError> {
    // What was thrown away earlier may still be there under its name.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let target = trash.join(format!("{}-{name}", Timestamp::now().unix_nanos()));
    std::fs::rename(path, &target).map_err(StoreError::io("throw away", path))?;
    Ok(target)
}

/// Empties a directory in the background; what a death leaves goes at the next open.
fn empty(trash: &Path) -> Result<(), StoreError> {
    let names = names_in(trash)?;
    if names.is_empty() {
        return Ok(());
    }
    remove_in_background(names.into_iter().map(|name| trash.join(name)).collect())
}

fn remove_in_background(paths: Vec<PathBuf>) -> Result<(), StoreError> {
    let first = paths.first().cloned().unwrap_or_default();
    let removal = move || {
        for path in &paths {
            if let Err(error) = remove_all(path) {
                tracing::warn!(%error, "leftover remains");
            }
        }
    };
    let started = std::thread::Builder::new().name("image-trash".into()).spawn(removal);
    started
        .map(drop)
        .map_err(StoreError::io("start a thread to remove", &first))
}

pub(crate) fn names_in(directory: &Path) -> Result<Vec<OsString>, StoreError> {
    let read = || -> std::io::Result<_> {
        std::fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    };
    read().map_err(StoreError::io("list", directory))
}
