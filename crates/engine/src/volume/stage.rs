//! A volume that comes with content: made whole under another name, then renamed. One that is not finished is no volume
//! and goes, at the latest when the daemon starts again.

use std::fs;
use std::path::PathBuf;

use corten_base::id::hex;
use corten_sys::fault::boundary;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::store::{DATA, MAKING, Volumes, delete};
use super::{VolumeRecord, check_name};
use crate::core::random_bytes;
use crate::error::{Error, Result};
use crate::identity::Mapping;

/// `<volumes>/.making-<random>`, gone with this unless it was published.
pub(super) struct Staged<'a> {
    volumes: &'a Volumes,
    name: &'a str,
    directory: PathBuf,
}

impl Volumes {
    /// Begins the volume `name`, whose directory belongs to the root of `owner`; the name must be free.
    pub(super) fn stage<'a>(&'a self, name: &'a str, owner: Option<&Mapping>) -> Result<Staged<'a>> {
        check_name(name)?;
        if self.read(name)?.is_some() {
            return Err(taken(name));
        }
        let number = hex(&random_bytes());
        let directory = self.root().join(format!("{MAKING}{number}"));
        let staged = Staged {
            volumes: self,
            name,
            directory,
        };
        boundary("volume.stage");
        let data = staged.directory.join(DATA);
        let made = fs::create_dir_all(&data).and_then(|()| owner.map_or(Ok(()), |owner| owner.give(&data)));
        made.map_err(|error| Error::caused(format!("create {name}"), error))?;
        boundary("volume.staged");
        Ok(staged)
    }
}

impl Staged<'_> {
    /// Where the content goes.
    pub(super) fn open(&self) -> Result<std::os::fd::OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::open(self.directory.join(DATA), flags, Mode::empty()).map_err(|error| self.failed(error.into()))
    }

    /// It becomes a volume, whole on the disk too; fails if the name was taken meanwhile.
    pub(super) fn publish(self, record: &VolumeRecord) -> Result<()> {
        boundary("volume.filled");
        self.volumes
            .record(&self.directory, record)
            .map_err(|error| self.failed(error))?;
        let flush = || rustix::fs::syncfs(fs::File::open(&self.directory)?).map_err(std::io::Error::from);
        flush().map_err(|error| self.failed(error))?;
        boundary("volume.publish");
        let named = self.volumes.root().join(self.name);
        let renamed = rustix::fs::renameat_with(CWD, &self.directory, CWD, &named, RenameFlags::NOREPLACE);
        boundary("volume.published");
        match renamed {
            Err(Errno::EXIST) => Err(taken(self.name)),
            renamed => renamed.map_err(|error| self.failed(error.into())),
        }
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::caused(format!("create {}", self.name), error)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if self.directory.exists()
            && let Err(error) = delete(&self.directory)
        {
            tracing::error!(path = %self.directory.display(), %error, "what is left of an unfinished volume is not deleted");
        }
    }
}

fn taken(name: &str) -> Error {
    Error::conflict(format!(
        "create {name}: there is a volume of that name already: remove it first, or choose another name"
    ))
}
