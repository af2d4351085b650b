//! Where values come from: the command line, once, and the configuration file, again at each reload.
//!
//! On disk: `/etc/corten/daemon.json` (`/etc/docker/daemon.json` under the name `dockerd`), read only.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::values::{self, Values, ValuesError};
use super::{Personality, check, file, last};

/// A command line and the file that goes with it.
#[derive(Debug, Clone)]
pub struct Source {
    flags: Values,
    path: PathBuf,
    is_given: bool,
}

impl Source {
    /// The source of a command line.
    pub(super) fn new(personality: Personality, flags: Values) -> Self {
        let given = last(&flags, "config-file").map(PathBuf::from);
        let usual = match personality {
            Personality::Corten => "/etc/corten/daemon.json",
            Personality::Docker => "/etc/docker/daemon.json",
        };
        Self {
            is_given: given.is_some(),
            path: given.unwrap_or_else(|| usual.into()),
            flags,
        }
    }

    /// The configuration file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All values as they are now.
    ///
    /// # Errors
    /// The file cannot be read, contradicts the flags, or the two make no sense together.
    pub fn values(&self) -> Result<Values> {
        let Some(text) = self.text()? else {
            let values = self.flags.clone();
            if let Err(complaint) = check::all(&values).and_then(|()| check::labels(&values)) {
                bail!(complaint);
            }
            return Ok(values);
        };
        let merged = file::from_file(&text)
            .and_then(|file| values::merge(self.flags.clone(), file))
            .and_then(|values| match check::all(&values) {
                Ok(()) => Ok(values),
                Err(complaint) => Err(ValuesError::Merged(complaint)),
            });
        let values = match merged {
            Ok(values) => values,
            Err(error) => bail!("{}: {error}", self.unable()),
        };
        if let Err(complaint) = check::labels(&values) {
            bail!(complaint);
        }
        Ok(values)
    }

    fn unable(&self) -> String {
        format!(
            "unable to configure the Docker daemon with file {}",
            self.path.display()
        )
    }

    /// The file's text; none if there is no file and none was asked for.
    fn text(&self) -> Result<Option<String>> {
        let path = self.path.display();
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_given => Ok(None),
            Err(error) => bail!(
                "{}: {}",
                self.unable(),
                match error.kind() {
                    io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
                    io::ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
                    io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
                    _ => format!("read {path}: {error}"),
                }
            ),
        }
    }
}
