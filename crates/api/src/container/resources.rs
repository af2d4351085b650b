//! The structured limits of a container's host configuration, and the update call that changes limits.

use serde::{Deserialize, Serialize};

use super::RestartPolicy;
use crate::{List, Map};

/// Block I/O weight of one device. Engine API v1.51 Resources.BlkioWeightDevice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct WeightDevice {
    /// Device node on the host.
    pub path: String,
    /// Weight, 10 to 1000.
    pub weight: u16,
}

/// Block I/O rate of one device. Engine API v1.51 ThrottleDevice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ThrottleDevice {
    /// Device node on the host.
    pub path: String,
    /// Bytes or operations per second.
    pub rate: u64,
}

/// A host device passed into the container. Engine API v1.51 DeviceMapping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeviceMapping {
    /// Device node on the host.
    pub path_on_host: String,
    /// Where it appears.
    pub path_in_container: String,
    /// Some of `rwm`.
    pub cgroup_permissions: String,
}

/// Devices asked from a device driver. Engine API v1.51 DeviceRequest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeviceRequest {
    /// Driver name.
    pub driver: String,
    /// How many; -1 means all.
    pub count: i64,
    /// Which ones.
    #[serde(rename = "DeviceIDs")]
    pub device_ids: List<String>,
    /// Alternatives of capability sets.
    pub capabilities: List<List<String>>,
    /// Driver options.
    pub options: Map<String>,
}

/// A resource limit. Engine API v1.51 Resources.Ulimits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Ulimit {
    /// Name without `RLIMIT_`, in lower case.
    pub name: String,
    /// Hard limit; -1 unlimited.
    pub hard: i64,
    /// Soft limit; -1 unlimited.
    pub soft: i64,
}

impl Ulimit {
    /// The names of limits that can be set (setrlimit(2)).
    pub const NAMES: [&str; 15] = [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
}

/// What `POST /containers/{id}/update` reads. Zero and none leave a limit as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UpdateBody {
    /// Relative CPU weight.
    pub cpu_shares: i64,
    /// Memory limit in bytes.
    pub memory: i64,
    /// CPUs in billionths.
    pub nano_cpus: i64,
    /// Block I/O weight.
    pub blkio_weight: u16,
    /// CFS period in microseconds.
    pub cpu_period: i64,
    /// CFS quota in microseconds.
    pub cpu_quota: i64,
    /// Real-time period in microseconds.
    pub cpu_realtime_period: i64,
    /// Real-time runtime in microseconds.
    pub cpu_realtime_runtime: i64,
    /// CPUs, like `0-2,4`.
    pub cpuset_cpus: String,
    /// Memory nodes.
    pub cpuset_mems: String,
    /// Soft memory limit in bytes.
    pub memory_reservation: i64,
    /// Memory and swap in bytes; -1 unlimited.
    pub memory_swap: i64,
    /// Most processes.
    pub pids_limit: Option<i64>,
    /// What happens after an exit; an empty name leaves it.
    pub restart_policy: RestartPolicy,
}

/// What update answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UpdateResponse {
    /// What the user should know.
    pub warnings: List<String>,
}
