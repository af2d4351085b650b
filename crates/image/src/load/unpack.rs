//! Unpacking side by side: threads that take layers in the order in which they arrive, each reading its file while
//! it still grows.

use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Scope;

use corten_base::Digest;

use super::growing::{Growing, GrowingReader};
use crate::compress::{Compression, Hashing, drain};
use crate::extract::{ExtractError, Extracted, extract, make_root};

/// Threads for one load: unpacking is bound by the processors, and small writes by the file system's locks.
const THREADS_MAX: usize = 4;

/// A layer being unpacked, or waiting for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) source: Arc<Growing>,
    pub(super) compression: Compression,
    /// Holds `diff` when it is done; removed with the load's work directory if it is not taken.
    pub(super) directory: PathBuf,
    outcome: Mutex<Option<Result<Unpacked, ExtractError>>>,
    done: Condvar,
}

/// A layer that lies unpacked.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// Digest of the plain tar; none if the blob is the plain tar.
    pub(super) diff_id: Option<Digest>,
    pub(super) extracted: Extracted,
}

impl Job {
    pub(super) fn new(source: Arc<Growing>, compression: Compression, directory: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            source,
            compression,
            directory,
            outcome: Mutex::default(),
            done: Condvar::new(),
        })
    }

    /// Waits for the outcome and takes it.
    pub(super) fn wait(&self) -> Result<Unpacked, ExtractError> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = self
            .done
            .wait_while(outcome, |outcome| outcome.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        outcome.take().expect("waited until there was one")
    }

    /// Unpacks on this thread.
    pub(super) fn run(&self) {
        let outcome = self.unpack();
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.done.notify_all();
    }

    fn unpack(&self) -> Result<Unpacked, ExtractError> {
        let root = make_root(&self.directory)?;
        let source = GrowingReader::new(Arc::clone(&self.source));
        let mut plain = self.compression.reader(source).map_err(read_error)?;
        if self.compression == Compression::Plain {
            let extracted = extract(&mut plain, root.as_fd())?;
            drain(&mut plain).map_err(read_error)?;
            return Ok(Unpacked {
                diff_id: None,
                extracted,
            });
        }
        let mut hashing = Hashing::new(plain);
        let extracted = extract(&mut hashing, root.as_fd())?;
        let (diff_id, _) = hashing.finish().map_err(read_error)?;
        Ok(Unpacked {
            diff_id: Some(diff_id),
            extracted,
        })
    }
}

fn read_error(error: io::Error) -> ExtractError {
    crate::tar::TarError::Read(error).into()
}

/// The threads of one load; they end when this is dropped and all jobs are done.
#[derive(Debug)]
pub(super) struct Unpackers {
    queue: Sender<Arc<Job>>,
}

impl Unpackers {
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>) -> io::Result<Self> {
        let (queue, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(THREADS_MAX);
        for number in 0..threads {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new()
                .name(format!("unpack-{number}"))
                .spawn_scoped(scope, move || work(&jobs))?;
        }
        Ok(Self { queue })
    }

    pub(super) fn submit(&self, job: &Arc<Job>) {
        if self.queue.send(Arc::clone(job)).is_err() {
            // No thread is left to do it.
            job.run();
        }
    }
}

fn work(jobs: &Mutex<Receiver<Arc<Job>>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job.run(),
            Err(_) => return,
        }
    }
}
