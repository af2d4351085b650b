//! Removal that nobody waits for: what is not needed any more is renamed into `trash/`, out of sight at once, and one
//! thread removes it piece by piece. What is left there when the process ends goes after the next open.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use corten_base::Timestamp;

use super::sweep::names_in;
use super::{StoreError, remove_all};

/// The directory and the way to its thread, which starts when there is something to do and ends with this value.
#[derive(Debug)]
pub(crate) struct Trash {
    directory: PathBuf,
    queue: OnceLock<Sender<PathBuf>>,
}

impl Trash {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            queue: OnceLock::new(),
        }
    }

    /// Throws away a file or tree on the same file system; fine if it is not there.
    pub(crate) fn take(&self, path: &Path) -> Result<(), StoreError> {
        // What was thrown away earlier may still be there under its name.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let target = self.directory.join(format!("{}-{name}", Timestamp::now().unix_nanos()));
        match std::fs::rename(path, &target) {
            Ok(()) => self.remove(target),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("throw away", path)(error)),
        }
    }

    /// Removes what an earlier process left.
    pub(super) fn empty(&self) -> Result<(), StoreError> {
        names_in(&self.directory)?
            .into_iter()
            .try_for_each(|name| self.remove(self.directory.join(name)))
    }

    fn remove(&self, path: PathBuf) -> Result<(), StoreError> {
        let queue = self.queue.get_or_init(|| {
            let (queue, paths) = channel();
            let started = std::thread::Builder::new()
                .name("image-trash".into())
                .spawn(move || work(&paths));
            if let Err(error) = started {
                tracing::warn!(%error, "no thread to remove leftovers");
            }
            queue
        });
        match queue.send(path) {
            Ok(()) => Ok(()),
            // There is no thread: it is removed here.
            Err(unsent) => remove_all(&unsent.0),
        }
    }
}

fn work(paths: &Receiver<PathBuf>) {
    corten_sys::memory::forgo_cache();
    for path in paths {
        if let Err(error) = remove_all(&path) {
            tracing::warn!(%error, "leftover remains");
        }
    }
}
