//! A downloaded archive that appears under its name only when it is whole.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use corten_client::Stream;

use crate::failure::Failure;
use crate::option::pair::reason;
use crate::output;

/// The file cannot be written there; Docker's texts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToFileError {
    #[error("invalid output path: stat {path}: {reason}")]
    NoDirectory { path: String, reason: String },
    #[error("cannot write to a directory")]
    Directory,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A file being written beside its name. What was there before stays if it is not finished.
#[derive(Debug)]
pub(crate) struct ToFile {
    target: PathBuf,
    /// The unfinished file; none where `target` is a device or a pipe, which is written in place.
    unfinished: Option<PathBuf>,
    file: File,
}

impl ToFile {
    /// Opens it, readable by its owner alone as Docker's archives are.
    pub(crate) fn begin(path: &str) -> Result<Self, ToFileError> {
        let target = Path::new(path);
        let parent = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let refusal = match fs::metadata(parent) {
            Ok(found) if found.is_dir() => None,
            Ok(_) => Some("not a directory".to_owned()),
            Err(error) => Some(reason(&error)),
        };
        if let Some(reason) = refusal {
            let path = parent.display().to_string();
            return Err(ToFileError::NoDirectory { path, reason });
        }
        if target.is_dir() {
            return Err(ToFileError::Directory);
        }
        if target.exists() && !target.is_file() {
            return Ok(Self {
                file: File::options().write(true).open(target)?,
                target: target.to_owned(),
                unfinished: None,
            });
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = parent.join(format!(".tmp-{name}{}", std::process::id()));
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        Ok(Self {
            target: target.to_owned(),
            unfinished: Some(unfinished),
            file,
        })
    }

    /// Writes the whole stream and gives the file its name.
    pub(crate) async fn fill(mut self, stream: Stream) -> Result<(), Failure> {
        output::stream(stream, &mut self.file).await?;
        if let Some(unfinished) = self.unfinished.take() {
            let named = fs::rename(&unfinished, &self.target);
            if named.is_err() {
                fs::remove_file(&unfinished).ok();
            }
            named?;
        }
        Ok(())
    }
}

impl Drop for ToFile {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished {
            fs::remove_file(unfinished).ok();
        }
    }
}
