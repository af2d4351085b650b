//! What opening clears away: everything on disk that the database does not name, and layers that nothing uses.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use corten_base::Digest;

use super::{OUTLINE, Store, StoreError};
use crate::snapshot::EMPTY_KEY;

impl Store {
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let root = &self.0.root;
        self.0.trash.empty()?;
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
            .flat_map(|(digest, _)| [digest.hex().into(), format!("{}{OUTLINE}", digest.hex()).into()])
            .collect();
        self.sweep_directory(&root.join("blobs/sha256"), &blobs)
    }

    /// Layers that were kept for a snapshot that is gone.
    fn unused_chains(&self) -> Result<Vec<Digest>, StoreError> {
        let state = self.state();
        let layers = self.records().view()?.layers()?.into_iter();
        let unused = layers.filter(|(chain, layer)| layer.references == 0 && !state.held.contains_key(chain));
        Ok(unused.map(|(chain, _)| chain).collect())
    }

    fn sweep_directory(&self, directory: &Path, wanted: &HashSet<OsString>) -> Result<(), StoreError> {
        for name in names_in(directory)? {
            if !wanted.contains(&name) {
                self.0.trash.take(&directory.join(name))?;
            }
        }
        Ok(())
    }
}

pub(crate) fn names_in(directory: &Path) -> Result<Vec<OsString>, StoreError> {
    let read = || -> std::io::Result<_> {
        std::fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    };
    read().map_err(StoreError::io("list", directory))
}
