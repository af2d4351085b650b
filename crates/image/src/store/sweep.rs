//! What opening clears away: everything on disk that the database does not name, and layers that nothing uses.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use corten_base::Digest;

use super::{Store, StoreError, remove_all};
use crate::snapshot::EMPTY_KEY;

impl Store {
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let root = &self.0.root;
        for name in names_in(&root.join("tmp"))? {
            remove_all(&root.join("tmp").join(name))?;
        }
        self.count_snapshots()?;
        let unused: Vec<Digest> = {
            let state = self.state();
            let layers = self.records().view()?.layers()?;
            let used = |chain: &Digest| state.snapshots.contains_key(chain);
            layers
                .into_iter()
                .filter(|(chain, layer)| layer.references == 0 && !used(chain))
                .map(|(chain, _)| chain)
                .collect()
        };
        for chain in unused {
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
        self.sweep_directory(&root.join("blobs/sha256"), &blobs)
    }

    fn sweep_directory(&self, directory: &Path, wanted: &HashSet<OsString>) -> Result<(), StoreError> {
        for name in names_in(directory)? {
            if !wanted.contains(&name) {
                self.discard(&directory.join(name))?;
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
