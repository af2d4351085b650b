//! What was changed of a container after its creation (pure), and the file that keeps it:
//! ```text
//! <data>/containers/<id>/changes.json    [`Changes`], format 1; absent while nothing was changed
//! ```
//! `spec.json` is never rewritten: what holds is what was asked for with the changes over it.

use std::io;
use std::path::Path;

use corten_api::container::{HostConfig, UpdateBody};
use corten_base::file::write_atomic;
use serde::{Deserialize, Serialize};

use super::validate::{self, Limits};
use crate::error::{Error, Result};

/// The version written.
const VERSION: u32 = 1;

/// The file's name.
pub(crate) const CHANGES: &str = "changes.json";

/// Everything that was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Format.
    pub version: u32,
    /// Another name than that of the creation.
    pub name: Option<String>,
    /// All limits and the restart policy as they are now; none: those of the creation.
    pub limits: Option<Box<UpdateBody>>,
    /// Aliases of links that were removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlinked: Vec<String>,
}

impl Changes {
    /// Reads the file; the default if there is none.
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        Ok(super::record::read(&directory.join(CHANGES))?.unwrap_or_default())
    }

    /// Writes the file.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        let changes = Self {
            version: VERSION,
            ..self.clone()
        };
        write_atomic(&directory.join(CHANGES), &serde_json::to_vec(&changes)?)
    }

    /// Puts the limits over what the container was created with.
    pub fn apply(&self, host: &mut HostConfig) {
        let Some(limits) = &self.limits else { return };
        host.cpu_shares = limits.cpu_shares;
        host.memory = limits.memory;
        host.nano_cpus = limits.nano_cpus;
        host.cpu_realtime_period = limits.cpu_realtime_period;
        host.cpu_realtime_runtime = limits.cpu_realtime_runtime;
        host.blkio_weight = limits.blkio_weight;
        host.cpu_period = limits.cpu_period;
        host.cpu_quota = limits.cpu_quota;
        host.cpuset_cpus.clone_from(&limits.cpuset_cpus);
        host.cpuset_mems.clone_from(&limits.cpuset_mems);
        host.memory_reservation = limits.memory_reservation;
        host.memory_swap = limits.memory_swap;
        host.pids_limit = limits.pids_limit;
        host.restart_policy.clone_from(&limits.restart_policy);
    }
}

/// The limits of a host configuration.
fn limits_of(host: &HostConfig) -> UpdateBody {
    UpdateBody {
        cpu_shares: host.cpu_shares,
        memory: host.memory,
        nano_cpus: host.nano_cpus,
        cpu_realtime_period: host.cpu_realtime_period,
        cpu_realtime_runtime: host.cpu_realtime_runtime,
        blkio_weight: host.blkio_weight,
        cpu_period: host.cpu_period,
        cpu_quota: host.cpu_quota,
        cpuset_cpus: host.cpuset_cpus.clone(),
        cpuset_mems: host.cpuset_mems.clone(),
        memory_reservation: host.memory_reservation,
        memory_swap: host.memory_swap,
        pids_limit: host.pids_limit,
        restart_policy: host.restart_policy.clone(),
    }
}

/// Checks what does not depend on the container.
///
/// # Errors
/// Docker's texts.
pub(crate) fn check(update: &UpdateBody, limits: Limits) -> Result<()> {
    let mut host = HostConfig::default();
    let changes = Changes {
        limits: Some(Box::new(update.clone())),
        ..Changes::default()
    };
    changes.apply(&mut host);
    validate::check_limits(&host, limits, true)
}

/// The limits that hold after `update`; `now` is what holds before.
///
/// # Errors
/// A conflict with what holds, in Docker's words.
pub(crate) fn merge(now: &HostConfig, update: &UpdateBody) -> Result<UpdateBody> {
    let refuse = |what: &str| Err(Error::conflict(what));
    if update.nano_cpus > 0 && now.cpu_period > 0 {
        return refuse("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
    }
    if update.nano_cpus > 0 && now.cpu_quota > 0 {
        return refuse("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
    }
    if update.cpu_period > 0 && now.nano_cpus > 0 {
        return refuse("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
    }
    if update.cpu_quota > 0 && now.nano_cpus > 0 {
        return refuse("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
    }
    if update.memory != 0 && update.memory > now.memory_swap && update.memory_swap == 0 {
        return refuse(
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
        );
    }
    let policy = &update.restart_policy;
    if now.auto_remove && !matches!(policy.name.as_str(), "" | "no") {
        return refuse("Restart policy cannot be updated because AutoRemove is enabled for the container");
    }
    let mut merged = limits_of(now);
    let set = |value: &mut i64, new: i64| {
        if new != 0 {
            *value = new;
        }
    };
    set(&mut merged.cpu_shares, update.cpu_shares);
    set(&mut merged.memory, update.memory);
    set(&mut merged.nano_cpus, update.nano_cpus);
    set(&mut merged.cpu_period, update.cpu_period);
    set(&mut merged.cpu_quota, update.cpu_quota);
    set(&mut merged.cpu_realtime_period, update.cpu_realtime_period);
    set(&mut merged.cpu_realtime_runtime, update.cpu_realtime_runtime);
    set(&mut merged.memory_reservation, update.memory_reservation);
    set(&mut merged.memory_swap, update.memory_swap);
    if update.blkio_weight != 0 {
        merged.blkio_weight = update.blkio_weight;
    }
    if !update.cpuset_cpus.is_empty() {
        merged.cpuset_cpus.clone_from(&update.cpuset_cpus);
    }
    if !update.cpuset_mems.is_empty() {
        merged.cpuset_mems.clone_from(&update.cpuset_mems);
    }
    if let Some(limit) = update.pids_limit {
        // Zero and every negative value mean: none.
        merged.pids_limit = Some(limit.max(0));
    }
    if !policy.name.is_empty() {
        merged.restart_policy.clone_from(policy);
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::container::RestartPolicy;

    fn with(change: fn(&mut UpdateBody)) -> UpdateBody {
        let mut update = UpdateBody::default();
        change(&mut update);
        update
    }

    #[test]
    fn what_is_not_said_stays() {
        let now = HostConfig {
            memory: 64 << 20,
            memory_swap: 128 << 20,
            pids_limit: Some(7),
            ..HostConfig::default()
        };
        let update = with(|update| {
            update.cpu_shares = 512;
            update.pids_limit = Some(-1);
            update.restart_policy = RestartPolicy {
                name: "always".into(),
                maximum_retry_count: 0,
            };
        });
        let merged = merge(&now, &update).expect("possible");
        let mut after = now.clone();
        let changes = Changes {
            limits: Some(Box::new(merged)),
            ..Changes::default()
        };
        changes.apply(&mut after);
        assert_eq!(
            (after.memory, after.cpu_shares, after.pids_limit),
            (64 << 20, 512, Some(0))
        );
        assert_eq!(after.restart_policy.name, "always");
    }

    #[test]
    fn conflicts_with_what_holds() {
        let quota = HostConfig {
            cpu_quota: 50_000,
            ..HostConfig::default()
        };
        let nano = HostConfig {
            nano_cpus: 500_000_000,
            auto_remove: true,
            ..HostConfig::default()
        };
        let table: [(&HostConfig, UpdateBody, &str); 5] = [
            (
                &quota,
                with(|update| update.nano_cpus = 1),
                "Nano CPUs cannot be updated as CPU Quota",
            ),
            (
                &nano,
                with(|update| update.cpu_quota = 5000),
                "CPU Quota cannot be updated as NanoCPUs",
            ),
            (
                &nano,
                with(|update| update.cpu_period = 5000),
                "CPU Period cannot be updated as NanoCPUs",
            ),
            (
                &nano,
                with(|update| update.memory = 64 << 20),
                "Memory limit should be smaller than already set",
            ),
            (
                &nano,
                with(|update| update.restart_policy.name = "always".into()),
                "Restart policy cannot be updated because AutoRemove is enabled",
            ),
        ];
        for (now, update, text) in table {
            let error = merge(now, &update).expect_err("refused");
            assert!(error.message.contains(text), "{}", error.message);
        }
    }

    #[test]
    fn the_file_and_its_first_version() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(Changes::read(directory.path()).expect("readable"), Changes::default());
        let changes = Changes {
            version: 1,
            name: Some("other".into()),
            limits: Some(Box::new(with(|update| update.memory = 5))),
            unlinked: Vec::new(),
        };
        changes.write(directory.path()).expect("writable");
        assert_eq!(Changes::read(directory.path()).expect("readable"), changes);
        let text = r#"{"version":1,"name":"other","limits":{"Memory":5}}"#;
        assert_eq!(serde_json::from_str::<Changes>(text).expect("valid"), changes);
    }
}
