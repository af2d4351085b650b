//! A container's files in `<data>/containers/<id>/`, format 1:
//! ```text
//! creating.json  names of anonymous volumes, while a creation that makes some is under way
//! spec.json      [`Record`]: what was asked for, and what was decided at the creation; never rewritten
//! state.json     [`StateRecord`]: rewritten at each start and end of a run
//! networks.json  (see `wiring.rs`) its networks, once they were changed
//! ```
//! A directory without `spec.json` is a creation that did not finish. A directory called
//! `.removing-<id>` or `.removing-volumes-<id>` is a removal that did not. `spec.json` is durable when
//! the creation is answered, except for containers that are removed at their end anyway.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use corten_api::container::ContainerCreateBody;
use corten_base::file::write_atomic;
use corten_base::{ContainerId, Digest, Timestamp};
use corten_shim::protocol::Exit;
use serde::{Deserialize, Serialize};

use crate::identity::Mapping;

use super::mounts::MountSpec;
use super::phase::{Ended, FailedStart, Life, Phase};
use super::restart::RestartPolicy;
use super::wiring::{self, Asked};

/// The version written.
pub const VERSION: u32 = 1;

/// `spec.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Format.
    pub version: u32,
    /// Which container.
    pub id: ContainerId,
    /// Its name, without slash.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// The image it was made from, or [`Record::no_image`].
    pub image: Digest,
    /// What the image says containers inherit, kept because the image may go.
    pub image_config: corten_image::Config,
    /// What was asked for, as given.
    pub body: ContainerCreateBody,
    /// Its mounts, volumes named.
    pub mounts: Vec<MountSpec>,
    /// Who its users are on the host; `None`: themselves.
    #[serde(default)]
    pub identity: Option<Mapping>,
    /// The containers that its links (`HostConfig.Links`) mean, in their order, on the default network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_ids: Vec<ContainerId>,
    /// What `networks.json` says, if it is there.
    #[serde(skip)]
    pub networks: Option<Vec<Asked>>,
}

/// `state.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateRecord {
    /// Format.
    pub version: u32,
    /// It runs, or is to be restarted.
    pub running: bool,
    /// It ran at least once.
    pub ran: bool,
    /// It was stopped by hand.
    pub stopped_by_hand: bool,
    /// Restarts by policy since the last start by hand.
    pub restarts: u32,
    /// Code of the last end or failed start.
    pub code: i32,
    /// Start of the last run.
    pub started_at: Timestamp,
    /// End of the last run.
    pub finished_at: Timestamp,
    /// It ended for want of memory.
    pub out_of_memory: bool,
    /// Why the last start failed.
    pub error: String,
    /// Its removal failed once.
    pub dead: bool,
}

/// The names of the files.
pub const SPEC: &str = "spec.json";
/// See [`SPEC`].
pub const STATE: &str = "state.json";
/// See [`SPEC`].
pub const CREATING: &str = "creating.json";
/// Written by the shim.
pub const EXIT: &str = "exit.json";
/// What directories of removed containers begin with.
pub const REMOVING: &str = ".removing-";
/// The same where anonymous volumes go too.
pub const REMOVING_VOLUMES: &str = ".removing-volumes-";

impl Record {
    /// What stands for the image of a container that was made without one.
    #[must_use]
    pub fn no_image() -> Digest {
        Digest::of(b"")
    }

    /// The image, unless there is none.
    #[must_use]
    pub fn image(&self) -> Option<&Digest> {
        (self.image != Self::no_image()).then_some(&self.image)
    }

    /// The image's id as the API writes it: empty without one.
    #[must_use]
    pub fn image_text(&self) -> String {
        self.image().map(ToString::to_string).unwrap_or_default()
    }

    /// Writes `spec.json`.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let content = serde_json::to_vec(self)?;
        let path = directory.join(SPEC);
        let removed_at_end = self.body.host_config.as_ref().is_some_and(|host| host.auto_remove);
        write_atomic(&path, &content)?;
        if removed_at_end {
            return Ok(());
        }
        // One wait for the disk: it takes the directories' entries along. Power lost before it returns leaves
        // an empty file or none, and the creation was not answered then.
        fs::File::open(&path)?.sync_all()
    }

    /// Stands for a record that cannot be read, so that the container is seen and can be removed.
    #[must_use]
    pub fn unreadable(id: ContainerId, name: String) -> Self {
        Self {
            version: VERSION,
            id,
            name,
            created: Timestamp::default(),
            image: Self::no_image(),
            image_config: corten_image::Config::default(),
            body: ContainerCreateBody::default(),
            mounts: Vec::new(),
            identity: None,
            link_ids: Vec::new(),
            networks: None,
        }
    }

    /// Whether it is [`Record::unreadable`]: nothing else was created at the beginning of time.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.created == Timestamp::default()
    }

    /// Drops from memory what was merged into what holds; the file keeps it.
    pub(crate) fn forget_request(&mut self) {
        let networking_config = self.body.networking_config.take();
        self.body = ContainerCreateBody {
            networking_config,
            ..ContainerCreateBody::default()
        };
        self.image_config = corten_image::Config::default();
    }

    /// Reads `spec.json`; `None` if there is none, or an empty one of a container that never ran: the creation did
    /// not finish.
    pub fn read(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join(SPEC);
        let empty = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0);
        if empty && !directory.join(STATE).exists() {
            return Ok(None);
        }
        let record: Option<Self> = read(&path)?;
        let Some(mut record) = record else { return Ok(None) };
        record.networks = wiring::read(directory)?;
        Ok(Some(record))
    }
}

impl StateRecord {
    /// What is worth recording of a life.
    #[must_use]
    pub fn of(life: &Life) -> Self {
        let mut state = Self {
            version: VERSION,
            stopped_by_hand: life.stopped_by_hand,
            restarts: life.restarts,
            ..Self::default()
        };
        if let Some(ended) = life.phase.ended() {
            state.ran = true;
            state.code = ended.code;
            state.started_at = ended.started_at;
            state.finished_at = ended.finished_at;
            state.out_of_memory = ended.out_of_memory;
            state.error.clone_from(&ended.error);
        }
        match &life.phase {
            Phase::Running(running) | Phase::Paused(running) => {
                state.running = true;
                state.ran = true;
                state.started_at = running.started_at;
                state.out_of_memory = running.out_of_memory;
            }
            Phase::Created(Some(failure)) => {
                state.code = failure.code;
                state.error.clone_from(&failure.message);
            }
            Phase::Restarting(_) => state.running = true,
            Phase::Dead(_) => state.dead = true,
            Phase::Created(None) | Phase::Exited(_) | Phase::Removing(_) => {}
        }
        state
    }

    /// The life of a container that has this record and does not run.
    #[must_use]
    pub fn life(&self, policy: RestartPolicy, auto_remove: bool) -> Life {
        let ended = Ended {
            code: self.code,
            started_at: self.started_at,
            finished_at: self.finished_at,
            out_of_memory: self.out_of_memory,
            error: self.error.clone(),
        };
        let failed = !self.error.is_empty();
        let phase = if self.dead {
            Phase::Dead(self.ran.then_some(ended))
        } else if self.ran {
            Phase::Exited(ended)
        } else {
            Phase::Created(failed.then(|| FailedStart {
                code: self.code,
                message: self.error.clone(),
            }))
        };
        Life {
            phase,
            stopped_by_hand: self.stopped_by_hand,
            restarts: self.restarts,
            ..Life::created(policy, auto_remove)
        }
    }

    /// Writes `state.json`; on a full disk over the one that is there, in one write, for which it has its place.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let path = directory.join(STATE);
        let mut content = serde_json::to_vec(self)?;
        match write_atomic(&path, &content) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                let mut file = fs::File::options().write(true).open(&path).map_err(|_| error)?;
                let old = usize::try_from(file.metadata()?.len()).unwrap_or(0);
                content.resize(content.len().max(old), b' ');
                file.write_all(&content)
            }
            written => written,
        }
    }

    /// Reads `state.json`; the default if there is none or power loss emptied it.
    pub fn read(directory: &Path) -> io::Result<Self> {
        match read(&directory.join(STATE)) {
            Ok(state) => Ok(state.unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

/// How a run ended, as its shim has recorded it: in the container's directory, or on a full disk in that of the run.
pub fn read_exit(directory: &Path, run: &Path) -> io::Result<Option<Exit>> {
    match read(&directory.join(EXIT))? {
        Some(exit) => Ok(Some(exit)),
        None => read(&run.join(EXIT)),
    }
}

/// Reads a JSON file; `None` if there is none.
pub fn read<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(content) => serde_json::from_slice(&content)
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where the log of a container is.
#[must_use]
pub fn log_path(directory: &Path, id: &ContainerId) -> PathBuf {
    directory.join(format!("{id}-json.log"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record that asks for nothing.
    pub(crate) fn record() -> Record {
        Record {
            version: VERSION,
            id: ContainerId::from_random([1; 32]),
            name: "test".to_owned(),
            created: Timestamp::from_unix(0, 0),
            image: Digest::of(b""),
            image_config: corten_image::Config::default(),
            body: ContainerCreateBody::default(),
            mounts: Vec::new(),
            identity: None,
            link_ids: Vec::new(),
            networks: None,
        }
    }

    #[test]
    fn state_round_trip() {
        let at = |seconds| Timestamp::from_unix(seconds, 5);
        let ended = Ended {
            code: 3,
            started_at: at(1),
            finished_at: at(2),
            out_of_memory: true,
            error: String::new(),
        };
        let failure = FailedStart {
            code: 127,
            message: "no".to_owned(),
        };
        for phase in [
            Phase::Created(None),
            Phase::Created(Some(failure)),
            Phase::Exited(ended.clone()),
            Phase::Dead(Some(ended)),
            Phase::Dead(None),
        ] {
            let life = Life {
                phase,
                restarts: 2,
                stopped_by_hand: true,
                ..Life::created(RestartPolicy::Always, false)
            };
            let state = StateRecord::of(&life);
            let text = serde_json::to_vec(&state).unwrap();
            assert_eq!(serde_json::from_slice::<StateRecord>(&text).unwrap(), state);
            assert_eq!(state.life(RestartPolicy::Always, false), life);
        }
    }

    #[test]
    fn version_1_is_read() {
        let text = r#"{"version":1,"running":true,"ran":true,"started_at":"2024-01-01T00:00:00Z"}"#;
        let state: StateRecord = serde_json::from_str(text).unwrap();
        assert!(state.running && state.ran && state.finished_at.is_zero());
    }
}
