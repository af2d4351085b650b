//! Removing the directories once the last process has left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::CgroupError;
use super::read::gone;
use crate::plan::Cgroup;

/// How long dying processes are waited for.
const LIMIT: Duration = Duration::from_secs(2);

/// The first pause between two attempts; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Removes all directories with those below them. Tries until the last dying process has left, at
/// most two seconds. Missing directories are no error.
///
/// A scope is stopped first. One that systemd cannot be asked to stop ends with its last process, so it is no
/// failure of its own.
pub fn remove(cgroup: &Cgroup) -> Result<(), CgroupError> {
    if let Some(scope) = &cgroup.scope {
        crate::scope::stop(scope).unwrap_or_default();
    }
    let deadline = Instant::now() + LIMIT;
    let mut result = Ok(());
    for directory in &cgroup.directories {
        if directory.path.as_os_str().is_empty() {
            continue;
        }
        let one = remove_until(&directory.absolute(), deadline);
        result = result.and(one);
    }
    result
}

fn remove_until(path: &Path, deadline: Instant) -> Result<(), CgroupError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match fs::remove_dir(path) {
            Ok(()) => return Ok(()),
            Err(error) if gone(&error) => return Ok(()),
            Err(error) => error,
        };
        for below in children(path)? {
            remove_until(&below, deadline)?;
        }
        if Instant::now() >= deadline {
            return Err(CgroupError::on("remove", path)(error));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The groups directly below; none if the group is gone.
pub(super) fn children(path: &Path) -> Result<Vec<PathBuf>, CgroupError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(CgroupError::on("read", path)(error)),
    };
    let directories = entries.filter_map(|entry| match entry {
        Ok(entry) => entry
            .file_type()
            .is_ok_and(|kind| kind.is_dir())
            .then(|| Ok(entry.path())),
        Err(error) if gone(&error) => None,
        Err(error) => Some(Err(error)),
    });
    directories
        .collect::<io::Result<_>>()
        .map_err(CgroupError::on("read", path))
}
