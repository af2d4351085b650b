//! Volumes of the local driver.
//! ```text
//! <data>/volumes/<name>/volume.json   [`VolumeRecord`]
//!                       _data/        what is mounted
//! <data>/volumes/.removing-<name>     being deleted
//! ```
//! A volume exists when its `volume.json` does. Nothing is kept in memory: the directory is the truth.
//! All calls block.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use corten_api::volume::{Volume, VolumeList};
use corten_api::{Filters, List, Map};
use corten_base::Timestamp;
use corten_base::file::write_atomic;
use serde::{Deserialize, Serialize};

use crate::container::mounts::{MountSpec, clean};
use crate::container::name;
use crate::container::record;
use crate::core::Core;
use crate::error::{Error, Result};

/// `volume.json`, format 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeRecord {
    /// Format.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Nobody named it.
    pub anonymous: bool,
}

/// The label by which Docker marks a volume that nobody named.
const ANONYMOUS: &str = "com.docker.volume.anonymous";
const RECORD: &str = "volume.json";
const DATA: &str = "_data";
const REMOVING: &str = ".removing-";

/// Checks a volume's name, in Docker's words.
pub fn check_name(text: &str) -> Result<()> {
    if name::is_valid(text) {
        return Ok(());
    }
    let rule = name::RULE;
    if text.len() == 1 {
        return Err(Error::invalid(
            "create ".to_owned()
                + text
                + ": volume name is too short, names should be at least two alphanumeric characters",
        ));
    }
    Err(Error::invalid(format!(
        "create {text}: \"{text}\" includes invalid characters for a local volume name, only \"{rule}\" are allowed. If you intended to pass a host directory, use absolute path"
    )))
}

/// The volumes below one directory.
#[derive(Debug)]
pub(crate) struct Volumes {
    root: PathBuf,
}

/// A volume as [`Volumes::ensure`] found or made it.
#[derive(Debug)]
pub(crate) struct Ensured {
    /// Where its content is.
    pub(crate) data: PathBuf,
    /// It was made just now.
    pub(crate) created: bool,
}

impl Volumes {
    /// Opens the directory and finishes deletions that were interrupted.
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        for entry in fs::read_dir(&root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(REMOVING) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { root })
    }

    /// Where a volume's content is.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.root.join(name).join(DATA)
    }

    /// The host path that a mount of a volume shows; makes the directories again if somebody deleted them.
    pub(crate) fn source(&self, mount: &MountSpec) -> Result<PathBuf> {
        let data = self.data(&mount.volume);
        let failed = |error| Error::caused(format!("make {}", data.display()), error);
        fs::create_dir_all(&data).map_err(failed)?;
        if mount.subpath.is_empty() {
            return Ok(data);
        }
        let below = data.join(clean(&mount.subpath).trim_start_matches('/'));
        let inside = below
            .canonicalize()
            .map_err(|error| Error::invalid(format!("cannot access path {}: {error}", below.display())))?;
        if inside.starts_with(data.canonicalize().map_err(failed)?) {
            Ok(inside)
        } else {
            Err(Error::invalid(format!("subpath {} escapes the volume", mount.subpath)))
        }
    }

    /// The volume of that name, made if it is not there.
    pub(crate) fn ensure(&self, mount: &MountSpec) -> Result<Ensured> {
        let directory = self.root.join(&mount.volume);
        let data = directory.join(DATA);
        let failed = |error| Error::caused(format!("create {}", mount.volume), error);
        let path = directory.join(RECORD);
        if path.exists() {
            return Ok(Ensured { data, created: false });
        }
        fs::create_dir_all(&data).map_err(failed)?;
        let record = VolumeRecord {
            version: 1,
            created: Timestamp::now(),
            labels: mount.labels.clone(),
            anonymous: mount.anonymous,
        };
        let content = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
        write_atomic(&path, &content).map_err(failed)?;
        Ok(Ensured { data, created: true })
    }

    /// Renames a volume so that it is none any more; returns the directory to delete, if there was one.
    pub(crate) fn set_aside(&self, name: &str) -> Result<Option<PathBuf>> {
        let aside = self.root.join(format!("{REMOVING}{name}"));
        match fs::rename(self.root.join(name), &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::caused(format!("remove {name}"), error)),
        }
    }

    /// Bytes of its content. What changes meanwhile counts as it is met.
    pub(crate) fn size(&self, name: &str) -> u64 {
        directory_size(&self.data(name))
    }

    fn read(&self, name: &str) -> Result<Option<VolumeRecord>> {
        if !name::is_valid(name) {
            return Ok(None);
        }
        record::read(&self.root.join(name).join(RECORD)).map_err(|error| Error::caused("read volume.json", error))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            names.extend(
                entry?
                    .file_name()
                    .into_string()
                    .ok()
                    .filter(|name| name::is_valid(name)),
            );
        }
        names.sort();
        Ok(names)
    }

    fn shown(&self, name: &str, record: VolumeRecord) -> Volume {
        let mut labels = record.labels;
        if record.anonymous {
            labels.insert(ANONYMOUS.to_owned(), String::new());
        }
        Volume {
            created_at: Timestamp::from_unix(record.created.unix_seconds(), 0).to_string(),
            driver: "local".to_owned(),
            labels: if labels.is_empty() { Map::null() } else { labels.into() },
            mountpoint: self.data(name).display().to_string(),
            name: name.to_owned(),
            options: Map::null(),
            scope: "local".to_owned(),
            ..Volume::default()
        }
    }
}

/// Bytes of the files below a directory; a file with several names counts once.
fn directory_size(root: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let (mut size, mut seen, mut open) = (0, std::collections::HashSet::new(), vec![root.to_owned()]);
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

fn missing(name: &str) -> Error {
    Error::not_found(format!("get {name}: no such volume"))
}

const FILTERS: &[&str] = &["dangling", "driver", "label", "label!", "name"];

/// The volumes that match, by name.
pub(crate) fn list(core: &Core, filters: &Filters) -> Result<VolumeList> {
    let wrong = |error: corten_api::filters::FilterError| Error::invalid(error.to_string());
    filters.accept_only(FILTERS).map_err(wrong)?;
    let dangling = filters.boolean("dangling").map_err(wrong)?;
    let mut volumes = Vec::new();
    for name in core
        .volumes
        .names()
        .map_err(|error| Error::caused("list volumes", error))?
    {
        let Some(record) = core.volumes.read(&name)? else {
            continue;
        };
        let volume = core.volumes.shown(&name, record);
        let labelled = |wanted: &str| label_matches(&volume.labels, wanted);
        let matches = (!filters.contains("name") || filters.get("name").any(|part| name.contains(part)))
            && (!filters.contains("driver") || filters.get("driver").any(|driver| driver == "local"))
            && filters.get("label").all(labelled)
            && !filters.get("label!").any(labelled)
            && dangling.is_none_or(|dangling| dangling == users(core, &name).is_empty());
        if matches {
            volumes.push(volume);
        }
    }
    Ok(VolumeList {
        volumes: volumes.into(),
        warnings: List::null(),
    })
}

/// Whether labels satisfy `key` or `key=value`.
pub(crate) fn label_matches(labels: &Map<String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|own| own == value),
        None => labels.contains_key(wanted),
    }
}

/// Everything about a volume.
pub(crate) fn inspect(core: &Core, name: &str) -> Result<Volume> {
    let record = core.volumes.read(name)?.ok_or_else(|| missing(name))?;
    Ok(core.volumes.shown(name, record))
}

/// Removes a volume that no container uses.
pub(crate) fn remove(core: &Core, name: &str, force: bool) -> Result<()> {
    if core.volumes.read(name)?.is_none() {
        return if force { Ok(()) } else { Err(missing(name)) };
    }
    let users = users(core, name);
    if !users.is_empty() {
        return Err(Error::conflict(format!(
            "remove {name}: volume is in use - [{}]",
            users.join(", ")
        )));
    }
    if let Some(aside) = core.volumes.set_aside(name)? {
        fs::remove_dir_all(&aside).map_err(|error| Error::caused(format!("remove {name}"), error))?;
    }
    let subject = crate::event::Subject::Volume(name);
    core.events
        .publish(subject, "destroy", &[("driver", "local".to_owned())], Timestamp::now());
    Ok(())
}

/// Ids of the containers that mount a volume.
pub(crate) fn users(core: &Core, name: &str) -> Vec<String> {
    let uses = |container: &&std::sync::Arc<crate::container::Container>| {
        container.record.mounts.iter().any(|mount| mount.volume == name)
    };
    core.containers
        .all()
        .iter()
        .filter(uses)
        .map(|container| container.id.to_string())
        .collect()
}
