//! The directory of volumes, and who uses each. One lock orders the use of a volume and its removal, so that no
//! container is made over a volume that goes.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_api::Map;
use corten_api::volume::Volume;
use corten_base::file::write_atomic;
use corten_base::{ContainerId, Timestamp};
use corten_sys::fault::boundary;

use super::mounted::{self, Mounted};
use super::{ANONYMOUS, VolumeRecord};
use crate::container::mounts::MountSpec;
use crate::container::{name, record};
use crate::error::{Error, Result};
use crate::identity::Mapping;

const RECORD: &str = "volume.json";
pub(super) const DATA: &str = "_data";
const REMOVING: &str = ".removing-";
pub(super) const MAKING: &str = ".making-";
const FILLING: &str = ".filling";

/// The volumes below one directory.
#[derive(Debug)]
pub(crate) struct Volumes {
    root: PathBuf,
    users: Mutex<Users>,
    pub(super) mounted: Mounted,
}

/// Who keeps volumes from being removed, by their names.
#[derive(Debug, Default)]
struct Users {
    /// The containers that mention one.
    containers: BTreeMap<String, BTreeSet<ContainerId>>,
    /// How many copy its files at the moment.
    loans: BTreeMap<String, usize>,
}

/// Whether this is the directory of a volume whose creation was cut short: it was never recorded, so nobody was told
/// of it, and nothing is in it.
fn is_unfinished(directory: &Path) -> bool {
    let is_empty = |data: io::Result<fs::ReadDir>| {
        data.map_or_else(
            |error| error.kind() == io::ErrorKind::NotFound,
            |mut entries| entries.next().is_none(),
        )
    };
    directory.is_dir() && !directory.join(RECORD).exists() && is_empty(fs::read_dir(directory.join(DATA)))
}

/// What became of a volume that was to be removed.
#[derive(Debug)]
pub(crate) enum SetAside {
    /// It is no volume any more; the directory is to be deleted.
    Gone(PathBuf),
    /// There was none.
    Missing,
    /// These containers use it.
    Used(Vec<String>),
}

impl Volumes {
    /// Opens the directory, finishes deletions that were interrupted and takes back unfinished creations.
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        for entry in fs::read_dir(&root)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_left = [REMOVING, MAKING]
                .iter()
                .any(|begin| name.to_string_lossy().starts_with(begin));
            if (is_left || is_unfinished(&entry.path()))
                && let Err(error) = delete(&entry.path())
            {
                tracing::error!(path = %entry.path().display(), %error, "what is left of a volume is not deleted completely");
            }
            let filling = entry.path().join(FILLING);
            if filling.exists() {
                fs::remove_dir_all(filling)?;
            }
        }
        Ok(Self {
            root,
            users: Mutex::default(),
            mounted: Mounted::default(),
        })
    }

    /// Where all volumes are.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a volume's content is.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.root.join(name).join(DATA)
    }

    /// Makes the volume of that name with the record of `new` if it is not there, and tells whether; its content
    /// belongs to the root of `owner`; `user` uses it from now on.
    pub(crate) fn ensure(
        &self,
        name: &str,
        new: &VolumeRecord,
        owner: Option<&Mapping>,
        user: Option<&ContainerId>,
    ) -> Result<bool> {
        let directory = self.root.join(name);
        let failed = |error| Error::caused(format!("create {name}"), error);
        let mut users = self.users();
        let path = directory.join(RECORD);
        let created = !path.exists();
        if created {
            fs::create_dir_all(directory.join(DATA)).map_err(failed)?;
            if let Some(owner) = owner {
                owner.give(&directory.join(DATA)).map_err(failed)?;
            }
            boundary("volume.record");
            self.record(&directory, new).map_err(failed)?;
        }
        if let Some(user) = user {
            users
                .containers
                .entry(name.to_owned())
                .or_default()
                .insert(user.clone());
        }
        Ok(created)
    }

    /// Writes the `volume.json` of the volume in `directory`.
    pub(super) fn record(&self, directory: &Path, record: &VolumeRecord) -> io::Result<()> {
        write_atomic(&directory.join(RECORD), &serde_json::to_vec(record)?)
    }

    /// Notes that somebody copies the files of a volume; false: there is none. [`Volumes::forget_loan`] is the reverse.
    pub(super) fn note_loan(&self, name: &str) -> Result<bool> {
        let mut users = self.users();
        let is_there = self.read(name)?.is_some();
        if is_there {
            *users.loans.entry(name.to_owned()).or_default() += 1;
        }
        Ok(is_there)
    }

    pub(super) fn forget_loan(&self, name: &str) {
        let mut users = self.users();
        if let Some(loans) = users.loans.get_mut(name) {
            *loans -= 1;
            if *loans == 0 {
                users.loans.remove(name);
            }
        }
    }

    /// Gives an empty volume the content that `fill` puts into a directory, if there is any. Whole or not at all where
    /// nothing is mounted and nobody but `user` has it.
    pub(crate) fn fill(&self, name: &str, user: &ContainerId, fill: &dyn Fn(&Path) -> Result<bool>) -> Result<()> {
        let is_alone = |users: &Users| {
            let of = users.containers.get(name).into_iter().flatten();
            of.eq([user]) && !users.loans.contains_key(name)
        };
        let is_plain = self.read(name)?.is_some_and(|record| record.options.is_empty());
        if !is_plain || !is_alone(&self.users()) {
            return fill(&self.data(name)).map(drop);
        }
        let failed = |error| Error::caused(format!("fill volume {name}"), error);
        let beside = self.root.join(name).join(FILLING);
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(failed)?;
        }
        fs::create_dir(&beside).map_err(failed)?;
        let filled = fill(&beside);
        boundary("volume.filled");
        let users = self.users();
        let placed = match &filled {
            Ok(true) if is_alone(&users) => fs::rename(&beside, self.data(name)),
            Ok(true) => {
                drop(users);
                fill(&self.data(name))?;
                return fs::remove_dir_all(&beside).map_err(failed);
            }
            Ok(false) | Err(_) => fs::remove_dir_all(&beside),
        };
        filled?;
        placed.map_err(failed)
    }

    /// A container's use of its volumes, as its record says.
    pub(crate) fn remember(&self, user: &ContainerId, mounts: &[MountSpec]) {
        let mut users = self.users();
        for mount in mounts.iter().filter(|mount| !mount.volume.is_empty()) {
            let of = users.containers.entry(mount.volume.clone());
            of.or_default().insert(user.clone());
        }
    }

    /// A container uses these volumes no more.
    pub(crate) fn forget(&self, user: &ContainerId, mounts: &[MountSpec]) {
        let mut users = self.users();
        for mount in mounts {
            if let Some(of) = users.containers.get_mut(&mount.volume) {
                of.remove(user);
                if of.is_empty() {
                    users.containers.remove(&mount.volume);
                }
            }
        }
    }

    /// Ids of the containers that use a volume.
    pub(super) fn users_of(&self, name: &str) -> Vec<String> {
        let users = self.users();
        let of = users.containers.get(name).into_iter().flatten();
        of.map(ToString::to_string).collect()
    }

    /// Renames a volume that nobody uses so that it is none any more.
    pub(crate) fn set_aside(&self, name: &str) -> Result<SetAside> {
        let users = self.users();
        if users.loans.contains_key(name) {
            return Ok(SetAside::Used(vec!["its files are being copied".to_owned()]));
        }
        if let Some(of) = users.containers.get(name) {
            return Ok(SetAside::Used(of.iter().map(ToString::to_string).collect()));
        }
        let aside = self.root.join(format!("{REMOVING}{name}"));
        match fs::rename(self.root.join(name), &aside) {
            Ok(()) => {
                self.mounted.forget(name);
                Ok(SetAside::Gone(aside))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SetAside::Missing),
            Err(error) => Err(Error::caused(format!("remove {name}"), error)),
        }
    }

    /// Bytes of its content. What changes meanwhile counts as it is met.
    pub(crate) fn size(&self, name: &str) -> u64 {
        directory_size(&self.data(name))
    }

    /// What `volume.json` says; `None`: there is no such volume.
    pub(super) fn read(&self, name: &str) -> Result<Option<VolumeRecord>> {
        if !name::is_valid(name) {
            return Ok(None);
        }
        record::read(&self.root.join(name).join(RECORD)).map_err(|error| Error::caused("read volume.json", error))
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let failed = |error| Error::caused("list volumes", error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().into_string().ok();
            names.extend(name.filter(|name| name::is_valid(name)));
        }
        names.sort();
        Ok(names)
    }

    /// A volume as clients see it.
    pub(super) fn shown(&self, name: &str, record: VolumeRecord) -> Volume {
        let mut labels = record.labels;
        if record.anonymous {
            labels.insert(ANONYMOUS.to_owned(), String::new());
        }
        let filled = |map: BTreeMap<String, String>| if map.is_empty() { Map::null() } else { map.into() };
        Volume {
            created_at: Timestamp::from_unix(record.created.unix_seconds(), 0).to_string(),
            driver: "local".to_owned(),
            labels: filled(labels),
            mountpoint: self.data(name).display().to_string(),
            name: name.to_owned(),
            options: filled(record.options),
            scope: "local".to_owned(),
            ..Volume::default()
        }
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of the files below a directory; a file with several names counts once.
fn directory_size(root: &Path) -> u64 {
    let (mut size, mut seen, mut open) = (0, HashSet::new(), vec![root.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                open.push(entry.path());
            } else if metadata.nlink() == 1 || seen.insert((metadata.dev(), metadata.ino())) {
                size += metadata.len();
            }
        }
    }
    size
}

/// Deletes a volume that was set aside; what is still mounted in it is somebody's and only let go.
pub(crate) fn delete(aside: &Path) -> io::Result<()> {
    mounted::unmount(&aside.join(DATA))?;
    fs::remove_dir_all(aside)
}
