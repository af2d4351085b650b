//! The process id file: two daemons must not work on one file.
//!
//! On disk: `<exec-root>/cortend.pid`, decimal digits without newline.

use std::io;
use std::path::{Path, PathBuf};

/// The file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    /// Another daemon has it. Text: as dockerd 28.5, with our name.
    #[error("failed to start daemon, ensure cortend is not running or delete {}: process with PID {pid} is still running", path.display())]
    Running {
        /// The file.
        path: PathBuf,
        /// Who.
        pid: u32,
    },
    /// It cannot be written.
    #[error("cannot write the pid file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Our file; removed when dropped.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Takes the file, unless the process that it names runs (and is not ourselves, as happens in a
    /// container that is started again).
    ///
    /// # Errors
    /// It is another's, or cannot be written.
    pub fn take(path: &Path) -> Result<Self, PidFileError> {
        let earlier = std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok());
        if let Some(pid) = earlier.filter(|pid| *pid != std::process::id() && runs(*pid)) {
            return Err(PidFileError::Running {
                path: path.to_owned(),
                pid,
            });
        }
        let write = || {
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            std::fs::write(path, std::process::id().to_string())
        };
        write().map_err(|source| PidFileError::Write {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Whether a process runs; one that is dead and not yet reaped does not.
fn runs(pid: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = status.rsplit(')').next().unwrap_or_default().trim_start();
    !state.starts_with('Z') && !state.starts_with('X')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_live_owner_keeps_others_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/d.pid");
        let file = PidFile::take(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), std::process::id().to_string());
        drop(file);
        assert!(!path.exists());
        std::fs::write(&path, "1").unwrap();
        assert!(matches!(
            PidFile::take(&path),
            Err(PidFileError::Running { pid: 1, .. })
        ));
        for stale in ["4194305", "garbage", ""] {
            std::fs::write(&path, stale).unwrap();
            drop(PidFile::take(&path).unwrap());
        }
    }
}
