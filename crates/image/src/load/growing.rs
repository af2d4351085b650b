//! A file that one thread writes while others read behind it: the queue between receiving and unpacking has no
//! bound in memory, the page cache is it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use corten_sys::writeback;

/// The file and how far it has come.
#[derive(Debug)]
pub(super) struct Growing {
    file: File,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    written: u64,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Complete,
    Abandoned,
}

impl Growing {
    pub(super) fn create(path: &Path) -> io::Result<Arc<Self>> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        let progress = Mutex::new(Progress {
            written: 0,
            end: End::Open,
        });
        Ok(Arc::new(Self {
            file,
            progress,
            changed: Condvar::new(),
        }))
    }

    /// A file that is complete from the start.
    pub(super) fn complete(path: &Path) -> io::Result<Arc<Self>> {
        let file = File::open(path)?;
        let progress = Mutex::new(Progress {
            written: file.metadata()?.len(),
            end: End::Complete,
        });
        Ok(Arc::new(Self {
            file,
            progress,
            changed: Condvar::new(),
        }))
    }

    pub(super) fn append(&self, data: &[u8]) -> io::Result<()> {
        (&self.file).write_all(data)?;
        let mut progress = self.lock();
        let before = progress.written;
        progress.written += data.len() as u64;
        let after = progress.written;
        drop(progress);
        self.changed.notify_all();
        if before / writeback::STEP_BYTES != after / writeback::STEP_BYTES {
            let start = before / writeback::STEP_BYTES * writeback::STEP_BYTES;
            // Only a head start: where it fails, the flush at the end has more to do.
            writeback::begin(self.file.as_fd(), start, after - start).ok();
        }
        Ok(())
    }

    /// No more comes, and what is there is all.
    pub(super) fn finish(&self) {
        self.end(End::Complete);
    }

    /// No more comes, and what is there is worth nothing: readers fail.
    pub(super) fn abandon(&self) {
        self.end(End::Abandoned);
    }

    fn end(&self, end: End) {
        let mut progress = self.lock();
        if progress.end == End::Open {
            progress.end = end;
        }
        drop(progress);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something behind `position`, or never will be.
    fn wait_behind(&self, position: u64) -> Progress {
        let waiting = |progress: &mut Progress| progress.written == position && progress.end == End::Open;
        *self
            .changed
            .wait_while(self.lock(), waiting)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a [`Growing`] from its start.
#[derive(Debug)]
pub(super) struct GrowingReader {
    source: Arc<Growing>,
    position: u64,
}

impl GrowingReader {
    pub(super) fn new(source: Arc<Growing>) -> Self {
        Self { source, position: 0 }
    }
}

impl Read for GrowingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let progress = self.source.wait_behind(self.position);
        if progress.end == End::Abandoned {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"));
        }
        let available = usize::try_from(progress.written - self.position)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let length = self.source.file.read_at(&mut into[..available], self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}
