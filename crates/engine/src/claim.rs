//! The run directory belongs to one engine: to one at a time, and to one data directory as long as containers of that
//! run. Whoever opens it with other data would take those for nobody's and end them.
//! ```text
//! <run>/lock     held by flock(2) as long as the engine lives
//!       engine   line 1: the id of the engine whose runs these are; line 2: its data directory
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corten_base::file::write_atomic;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How long a predecessor may take to be gone: a child that it had forked and that executes nothing yet holds the lock too.
const LIMIT: Duration = Duration::from_secs(3);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

const LOCK: &str = "lock";
const ENGINE: &str = "engine";

/// Kept while the engine lives.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: File,
}

/// The run directory is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another engine lives in it.
    #[error("the exec root {} is in use by another daemon: stop that one, or give this one another --exec-root", .0.display())]
    InUse(PathBuf),
    /// Containers of other data run in it.
    #[error("the exec root {} belongs to the daemon with the data root {}, and {running} of its containers run: start with --data-root {}, or give this daemon another --exec-root", run.display(), data.display(), data.display())]
    Foreign {
        /// The run directory.
        run: PathBuf,
        /// Whose it is.
        data: PathBuf,
        /// Containers that run.
        running: usize,
    },
    /// A file cannot be read or written.
    #[error("claim the exec root {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Claim {
    /// Claims `run` for the engine `id` with the data in `data`; `running` counts the containers that run in it.
    pub(crate) fn take(run: &Path, id: &str, data: &Path, running: impl FnOnce() -> usize) -> Result<Self, ClaimError> {
        let failed = |source| ClaimError::Io {
            path: run.to_owned(),
            source,
        };
        let lock = lock(&run.join(LOCK), LIMIT)
            .map_err(failed)?
            .ok_or_else(|| ClaimError::InUse(run.to_owned()))?;
        let note = run.join(ENGINE);
        let known = match fs::read_to_string(&note) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        if let Some((owner, theirs)) = known.trim_end().split_once('\n')
            && owner != id
        {
            let running = running();
            if running > 0 {
                return Err(ClaimError::Foreign {
                    run: run.to_owned(),
                    data: theirs.into(),
                    running,
                });
            }
        }
        let ours = format!("{id}\n{}\n", data.display());
        if known != ours {
            write_atomic(&note, ours.as_bytes()).map_err(failed)?;
        }
        Ok(Self { _lock: lock })
    }
}

/// `None`: somebody else holds it.
fn lock(path: &Path, limit: Duration) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    let end = Instant::now() + limit;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_engine_and_one_data_directory() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path();
        let first = Claim::take(run, "one", Path::new("/data/1"), || unreachable!()).unwrap();
        assert!(lock(&run.join(LOCK), Duration::ZERO).unwrap().is_none());
        drop(first);
        drop(Claim::take(run, "one", Path::new("/data/1"), || unreachable!()).unwrap());
        // The data were moved: the id says that they are the same.
        drop(Claim::take(run, "one", Path::new("/data/moved"), || unreachable!()).unwrap());
        let text = Claim::take(run, "two", Path::new("/data/2"), || 3)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("data root /data/moved, and 3 of its containers run"),
            "{text}"
        );
        drop(Claim::take(run, "two", Path::new("/data/2"), || 0).unwrap());
        assert_eq!(fs::read_to_string(run.join(ENGINE)).unwrap(), "two\n/data/2\n");
    }
}
