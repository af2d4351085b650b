//! What `GET /containers/{id}/json` answers.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ContainerConfig, HostConfig, MountPoint, NetworkSettings};
use crate::{List, Map};

/// Everything about one container. Engine API v1.51 ContainerInspectResponse.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerInspect {
    /// Full id.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
    /// The program.
    pub path: String,
    /// Its arguments.
    pub args: List<String>,
    /// What it does now.
    pub state: ContainerState,
    /// Image id.
    pub image: String,
    /// The host's file behind /etc/resolv.conf.
    pub resolv_conf_path: String,
    /// The host's file behind /etc/hostname.
    pub hostname_path: String,
    /// The host's file behind /etc/hosts.
    pub hosts_path: String,
    /// The log file.
    pub log_path: String,
    /// Name with a leading slash.
    pub name: String,
    /// How often the restart policy restarted it.
    pub restart_count: i64,
    /// Storage driver.
    pub driver: String,
    /// Operating system of its image.
    pub platform: String,
    /// SELinux label of the mounts.
    pub mount_label: String,
    /// SELinux label of the processes.
    pub process_label: String,
    /// AppArmor profile.
    pub app_armor_profile: String,
    /// Running exec sessions; null if none.
    #[serde(rename = "ExecIDs")]
    pub exec_ids: List<String>,
    /// The host's part of the configuration, defaults filled in.
    pub host_config: HostConfig,
    /// Where its root lies.
    pub graph_driver: DriverData,
    /// Bytes written; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_rw: Option<i64>,
    /// Bytes of the whole root; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_root_fs: Option<i64>,
    /// Volumes and binds.
    pub mounts: List<MountPoint>,
    /// The portable part of the configuration, the image's defaults merged in.
    pub config: ContainerConfig,
    /// Addresses and ports.
    pub network_settings: NetworkSettings,
}

/// What a container does now. Engine API v1.51 ContainerState.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerState {
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    pub status: String,
    /// Whether its process exists (also when paused).
    pub running: bool,
    /// Whether it is frozen.
    pub paused: bool,
    /// Whether it waits for its next start.
    pub restarting: bool,
    /// Whether the kernel killed one of its processes for want of memory.
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
    /// Whether removing it failed.
    pub dead: bool,
    /// Process id on the host; 0 when not running.
    pub pid: i64,
    /// The last exit code.
    pub exit_code: i64,
    /// Why it did not start.
    pub error: String,
    /// The last start.
    pub started_at: Timestamp,
    /// The last exit.
    pub finished_at: Timestamp,
    /// The health check's results; only where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// Results of health checks. Engine API v1.51 Health.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Health {
    /// `none`, `starting`, `healthy` or `unhealthy`.
    pub status: String,
    /// Failures in a row.
    pub failing_streak: i64,
    /// The last five.
    pub log: List<HealthcheckResult>,
}

/// One health check. Engine API v1.51 HealthcheckResult.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HealthcheckResult {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// 0 healthy, 1 unhealthy, other values: the check itself failed.
    pub exit_code: i64,
    /// What it printed, cut.
    pub output: String,
}

/// Where a root file system lies. Engine API v1.51 DriverData.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DriverData {
    /// The driver's own facts; for overlay2 `LowerDir`, `UpperDir`, `WorkDir`, `MergedDir`.
    pub data: Map<String>,
    /// Driver name.
    pub name: String,
}
