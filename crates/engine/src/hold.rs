//! One engine per data directory: a lock on the directory itself, which the kernel drops with its holder.
//!
//! Leaves nothing on disk. Who holds it is told from `/proc/locks`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The directory is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct Hold {
    _directory: File,
}

/// The directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Another engine works on it.
    #[error("the data directory {} is in use by another daemon{}: end it, or choose another --data-root", path.display(), process(*holder))]
    Held {
        /// Which.
        path: PathBuf,
        /// The other's process, where it can be seen.
        holder: Option<u32>,
    },
    /// It cannot be opened or locked.
    #[error("cannot lock the data directory {}", path.display())]
    Lock {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Hold {
    /// Takes an existing directory.
    pub(crate) fn take(path: &Path) -> Result<Self, HoldError> {
        let failed = |source| HoldError::Lock {
            path: path.to_owned(),
            source,
        };
        let directory = File::open(path).map_err(failed)?;
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _directory: directory }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let inode = directory.metadata().map_err(failed)?.ino();
                let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
                Err(HoldError::Held {
                    path: path.to_owned(),
                    holder: holder(&locks, inode),
                })
            }
            Err(error) => Err(failed(error.into())),
        }
    }
}

fn process(holder: Option<u32>) -> String {
    holder
        .map(|pid| format!(" (process with PID {pid})"))
        .unwrap_or_default()
}

/// Who holds a file's lock, by a line like `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF` (proc_locks(5)). File
/// systems with several devices name another one than stat does, so the number of the file must do.
fn holder(locks: &str, inode: u64) -> Option<u32> {
    let holders = locks.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (kind, pid, place) = (words.next()?, words.nth(2)?, words.next()?);
        let is_ours = kind == "FLOCK" && place.rsplit(':').next()?.parse() == Ok(inode);
        is_ours.then(|| pid.parse().ok()).flatten()
    });
    // 0 stands for a process that this namespace does not see.
    holders.into_iter().find(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = Hold::take(directory.path()).expect("it is free");
        let refusal = Hold::take(directory.path()).expect_err("it is taken").to_string();
        let own = format!(
            "in use by another daemon (process with PID {}): end it",
            std::process::id()
        );
        assert!(refusal.contains(&own), "{refusal}");
        drop(first);
        Hold::take(directory.path()).expect("it is free again");
    }

    #[test]
    fn holders_are_found_by_the_file() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 fe:00:131 0 EOF\n2: FLOCK  ADVISORY  WRITE 12 fe:00:1310 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 13 fe:00:131 0 EOF\n3: -> FLOCK  ADVISORY  WRITE 14 fe:00:131 0 EOF\n";
        assert_eq!(holder(locks, 131), Some(13));
        assert_eq!(holder(locks, 7), None);
        assert_eq!(holder("4: FLOCK  ADVISORY  WRITE 0 fe:00:7 0 EOF", 7), None);
        assert_eq!(holder("cut: FLOCK", 7), None);
    }
}
