//! The word that the containers shall end with the daemon: a file that something else leaves shortly before it
//! asks the daemon to end (packaging/systemd/corten-shutdown.service, when the host goes down).
//!
//! On disk: an empty file at `$CORTEN_STOP_FILE`; what is there when the daemon starts is removed, because it was
//! meant for an earlier one.

use std::io;
use std::path::PathBuf;

/// Where the file would be.
#[derive(Debug)]
pub struct StopFile(Option<PathBuf>);

impl StopFile {
    /// From now on a file at `path` counts; `None`: nothing does.
    #[must_use]
    pub fn watch(path: Option<PathBuf>) -> Self {
        if let Some(path) = &path
            && let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", path.display());
        }
        Self(path)
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.as_ref().is_some_and(|path| path.exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_after_the_start_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stop");
        std::fs::write(&path, "").unwrap();
        let file = StopFile::watch(Some(path.clone()));
        assert!(!file.is_there() && !path.exists());
        std::fs::write(&path, "").unwrap();
        assert!(file.is_there());
        assert!(!StopFile::watch(None).is_there());
    }
}
