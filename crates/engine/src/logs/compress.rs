//! Compresses the rotated files of a log: the shim writes and renames, the daemon packs.
//!
//! ```text
//! <log>.2           read, packed into          (the shim may rename it meanwhile)
//! <log>.packing     then, with the directory locked, renamed to
//! <log>.N.gz        where N is the index that the file has by now; then <log>.N goes
//! ```
//! Names change only under the lock, and each step leaves a log that reads the same: a compressed file beside its
//! plain one does not count yet, and the next pass removes it. A daemon that dies leaves plain files, which the next
//! one packs.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use corten_base::ContainerId;
use corten_sys::fault::boundary;
use flate2::{Compression, GzBuilder};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::Semaphore;

use super::source::{found, origin_field, packed, rotated};
use crate::container::Container;
use crate::core::{Core, blocking};
use crate::error::Error;

/// More rotated files than anyone configures.
const FILES_LIMIT: u32 = 1000;

/// One log is packed at a time: it is work for a processor, and nobody waits for it.
#[derive(Debug)]
pub(crate) struct Packing {
    waiting: Mutex<BTreeSet<ContainerId>>,
    place: Semaphore,
}

impl Packing {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            place: Semaphore::new(1),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeSet<ContainerId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Packs the rotated files of a container's log, if it is to be packed and some are there; soon, not now.
pub(crate) fn ask(core: &Arc<Core>, container: &Arc<Container>) {
    let Some(log) = super::place::of(core, container).filter(|log| log.compressed) else {
        return;
    };
    // A pass that was cut short has packed the newest and left others.
    let is_rotated = rotated(&log.path, 1).exists() || packed(&log.path, 1).exists();
    if !is_rotated || !core.packing.waiting().insert(container.id.clone()) {
        return;
    }
    let (core, id) = (Arc::clone(core), container.id.clone());
    tokio::spawn(async move {
        let Ok(_place) = core.packing.place.acquire().await else {
            return;
        };
        core.packing.waiting().remove(&id);
        let work = blocking(&core, move |_core| {
            compress(&log.path).map_err(|error| Error::caused("compress a rotated log", error))
        });
        if let Err(error) = work.await {
            tracing::warn!(container = id.short(), %error, "a rotated log stays as it is");
        }
    });
}

/// Packs all rotated files of the log at `path` that are not yet.
pub(super) fn compress(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    let Some(directory) = found(File::open(directory))? else {
        return Ok(());
    };
    for index in (1..FILES_LIMIT).take_while(|index| rotated(path, *index).exists() || packed(path, *index).exists()) {
        if let Some(file) = found(File::open(rotated(path, index)))? {
            pack(&directory, path, &file)?;
        }
    }
    Ok(())
}

fn pack(directory: &File, path: &Path, file: &File) -> io::Result<()> {
    let inode = file.metadata()?.ino();
    let temporary = packing(path);
    boundary("logs.compress");
    let result = write_packed(&temporary, file, inode).and_then(|()| {
        boundary("logs.compressed");
        flock(directory, FlockOperation::LockExclusive)?;
        let replaced = replace(path, inode, &temporary);
        flock(directory, FlockOperation::Unlock)?;
        replaced
    });
    match result {
        Ok(true) => Ok(()),
        // The file has fallen off the end of the rotation meanwhile, or the container is removed.
        Ok(false) => found(fs::remove_file(&temporary)).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            // The first failure is what is told.
            drop(fs::remove_file(&temporary));
            Err(error)
        }
    }
}

fn write_packed(temporary: &Path, mut file: &File, inode: u64) -> io::Result<()> {
    let target = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(temporary)?;
    let target = io::BufWriter::with_capacity(64 << 10, target);
    let mut encoder = GzBuilder::new()
        .extra(origin_field(inode))
        .write(target, Compression::fast());
    io::copy(&mut file, &mut encoder)?;
    encoder.finish()?.flush()
}

/// With the directory locked: puts the packed file where the plain one is now; false if it is nowhere.
fn replace(path: &Path, inode: u64, temporary: &Path) -> io::Result<bool> {
    for index in 1..FILES_LIMIT {
        match found(fs::metadata(rotated(path, index)))? {
            Some(metadata) if metadata.ino() == inode => {
                fs::rename(temporary, packed(path, index))?;
                boundary("logs.compress-renamed");
                fs::remove_file(rotated(path, index))?;
                return Ok(true);
            }
            Some(_) => {}
            None if packed(path, index).exists() => {}
            None => return Ok(false),
        }
    }
    Ok(false)
}

fn packing(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".packing");
    name.into()
}
