//! Health checks: a command that is executed in a running container now and again, and what its results mean.
//!
//! On disk: `<data>/containers/<id>/health.json`, a [`HealthRecord`], rewritten after each check, so that a later
//! daemon knows what this one knew; of a container that went on without a daemon it says `starting` until it has looked
//! itself (observed: dockerd 28.5 with live restore). A task per container with a check waits, has the shim execute the command and
//! records the result; it lives as long as the container runs and is not paused. Deciding is in `state.rs`.

mod monitor;
mod probe;
pub mod state;

use std::sync::{Arc, PoisonError, RwLock};

use corten_api::container::{ContainerConfig, Health, HealthConfig};
use corten_base::{Timestamp, file::write_atomic};
use serde::{Deserialize, Serialize};

use crate::container::record;
use crate::error::{Error, Result};
pub(crate) use monitor::Monitor;
use state::Settings;

/// The file's name.
const HEALTH: &str = "health.json";

/// `health.json`, format 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct HealthRecord {
    version: u32,
    /// The start of the run that the state is of; of what an earlier daemon knew: none.
    #[serde(skip)]
    started_at: Timestamp,
    health: Health,
}

/// The health of one container; nothing for one without a check.
#[derive(Default)]
pub(crate) struct Keeper {
    settings: Option<Settings>,
    record: RwLock<Option<Arc<HealthRecord>>>,
}

impl Keeper {
    /// That of a container with this configuration.
    pub(crate) fn new(config: &ContainerConfig, found: Option<HealthRecord>) -> Self {
        Self {
            settings: Settings::of(config),
            record: RwLock::new(found.map(Arc::new)),
        }
    }

    /// What is known; `None`: there is no check, or it was never due.
    pub(crate) fn look(&self) -> Option<Health> {
        self.settings.as_ref()?;
        self.read().map(|record| record.health.clone())
    }

    /// The word for its state: `none`, `starting`, `healthy` or `unhealthy`.
    pub(crate) fn status(&self) -> String {
        let known = self.settings.as_ref().and_then(|_| self.read());
        known.map_or_else(|| state::NONE.to_owned(), |record| record.health.status.clone())
    }

    fn read(&self) -> Option<Arc<HealthRecord>> {
        self.record.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut HealthRecord)) -> Arc<HealthRecord> {
        let mut place = self.record.write().unwrap_or_else(PoisonError::into_inner);
        let mut record = place.as_deref().cloned().unwrap_or_default();
        change(&mut record);
        record.version = 1;
        let record = Arc::new(record);
        *place = Some(Arc::clone(&record));
        record
    }
}

/// Reads what an earlier daemon knew.
pub(crate) fn read(directory: &std::path::Path) -> Option<HealthRecord> {
    record::read(&directory.join(HEALTH)).unwrap_or_else(|error| {
        tracing::warn!(%error, "a health record is not readable");
        None
    })
}

fn write(directory: &std::path::Path, record: &HealthRecord) -> Result<()> {
    let failed = |error: std::io::Error| Error::caused("write health.json", error);
    let content = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
    write_atomic(&directory.join(HEALTH), &content).map_err(failed)
}

/// What a creation is refused for.
pub(crate) fn check(config: &HealthConfig) -> Result<()> {
    for (name, nanos) in [
        ("Interval", config.interval),
        ("Timeout", config.timeout),
        ("StartPeriod", config.start_period),
        ("StartInterval", config.start_interval),
    ] {
        if nanos != 0 && nanos < 1_000_000 {
            return Err(Error::invalid(format!("{name} in Healthcheck cannot be less than 1ms")));
        }
    }
    if config.retries < 0 {
        return Err(Error::invalid("Retries in Healthcheck cannot be negative"));
    }
    Ok(())
}
