//! What of a container depends on the host: Go's `container.HostConfig`, with all fields of 1.51, so
//! that what is not built can be refused by name.

use serde::{Deserialize, Serialize};

use super::Mount;
use super::resources::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice};
use crate::{List, Map, StringList, is_zero};

/// The host's part of a container's configuration, limits included (Go embeds `Resources`).
/// Engine API v1.51 HostConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostConfig {
    /// `source:destination[:options]` mounts, `source` a path or a volume name.
    pub binds: List<String>,
    /// Unused by the daemon; clients write the id there.
    #[serde(rename = "ContainerIDFile")]
    pub container_id_file: String,
    /// Log driver.
    pub log_config: LogConfig,
    /// `default`, `bridge`, `host`, `none`, `container:<name>` or a network's name.
    pub network_mode: String,
    /// Host addresses by `port/proto`.
    pub port_bindings: Map<List<PortBinding>>,
    /// What happens after an exit.
    pub restart_policy: RestartPolicy,
    /// Whether the container is removed when it exits.
    pub auto_remove: bool,
    /// Driver of the volumes in `binds`.
    pub volume_driver: String,
    /// Containers (`name[:ro|rw]`) whose volumes are mounted too.
    pub volumes_from: List<String>,
    /// Terminal height and width at the start.
    pub console_size: [u32; 2],
    /// OCI annotations.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub annotations: Map<String>,
    /// Capabilities to add; `ALL`.
    pub cap_add: StringList,
    /// Capabilities to drop; `ALL`.
    pub cap_drop: StringList,
    /// `host`, `private` or empty (the daemon's default).
    pub cgroupns_mode: String,
    /// DNS servers.
    pub dns: List<String>,
    /// Resolver options.
    pub dns_options: List<String>,
    /// Resolver search domains.
    pub dns_search: List<String>,
    /// `host:address` lines for /etc/hosts.
    pub extra_hosts: List<String>,
    /// Additional groups.
    pub group_add: List<String>,
    /// `none`, `private`, `shareable`, `host`, `container:<name>` or empty.
    pub ipc_mode: String,
    /// Deprecated cgroup specification.
    pub cgroup: String,
    /// `container:alias` links.
    pub links: List<String>,
    /// OOM score adjustment, -1000 to 1000.
    pub oom_score_adj: i64,
    /// `host`, `container:<name>` or empty.
    pub pid_mode: String,
    /// Whether all restrictions are off.
    pub privileged: bool,
    /// Whether every exposed port gets a random host port.
    pub publish_all_ports: bool,
    /// Whether the root is read-only.
    pub readonly_rootfs: bool,
    /// `label=`, `apparmor=`, `seccomp=`, `no-new-privileges`, `systempaths=unconfined`.
    pub security_opt: List<String>,
    /// Storage driver options.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub storage_opt: Map<String>,
    /// Options by path of temporary file systems.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub tmpfs: Map<String>,
    /// `host` or empty.
    #[serde(rename = "UTSMode")]
    pub uts_mode: String,
    /// `host` or empty.
    pub userns_mode: String,
    /// Bytes of /dev/shm; 0 means 64 MiB.
    pub shm_size: i64,
    /// Kernel parameters.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub sysctls: Map<String>,
    /// OCI runtime by name.
    #[serde(skip_serializing_if = "is_zero")]
    pub runtime: String,
    /// Windows only.
    pub isolation: String,
    /// Relative CPU weight; 0 means 1024.
    pub cpu_shares: i64,
    /// Memory limit in bytes; 0 means none.
    pub memory: i64,
    /// CPUs in billionths.
    pub nano_cpus: i64,
    /// Parent cgroup.
    pub cgroup_parent: String,
    /// Block I/O weight, 10 to 1000; 0 means none.
    pub blkio_weight: u16,
    /// Block I/O weight by device.
    pub blkio_weight_device: List<WeightDevice>,
    /// Bytes per second read, by device.
    pub blkio_device_read_bps: List<ThrottleDevice>,
    /// Bytes per second written, by device.
    pub blkio_device_write_bps: List<ThrottleDevice>,
    /// Reads per second, by device.
    #[serde(rename = "BlkioDeviceReadIOps")]
    pub blkio_device_read_iops: List<ThrottleDevice>,
    /// Writes per second, by device.
    #[serde(rename = "BlkioDeviceWriteIOps")]
    pub blkio_device_write_iops: List<ThrottleDevice>,
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
    /// Memory nodes, like `0-2,4`.
    pub cpuset_mems: String,
    /// Host devices to pass in.
    pub devices: List<DeviceMapping>,
    /// Rules for the device cgroup, like `c 1:3 rwm`.
    pub device_cgroup_rules: List<String>,
    /// Devices asked from device drivers.
    pub device_requests: List<DeviceRequest>,
    /// Deprecated kernel memory limit in bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub kernel_memory: i64,
    /// Kernel TCP buffer limit in bytes.
    #[serde(rename = "KernelMemoryTCP", skip_serializing_if = "is_zero")]
    pub kernel_memory_tcp: i64,
    /// Soft memory limit in bytes.
    pub memory_reservation: i64,
    /// Memory and swap in bytes; -1 unlimited.
    pub memory_swap: i64,
    /// Swappiness, 0 to 100; none or -1 means the host's.
    pub memory_swappiness: Option<i64>,
    /// Whether the OOM killer is off.
    pub oom_kill_disable: Option<bool>,
    /// Most processes; none, 0 and -1 mean unlimited.
    pub pids_limit: Option<i64>,
    /// Resource limits.
    pub ulimits: List<Ulimit>,
    /// Windows only.
    pub cpu_count: i64,
    /// Windows only.
    pub cpu_percent: i64,
    /// Windows only.
    #[serde(rename = "IOMaximumIOps")]
    pub io_maximum_iops: u64,
    /// Windows only.
    #[serde(rename = "IOMaximumBandwidth")]
    pub io_maximum_bandwidth: u64,
    /// Mounts in their long form.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub mounts: List<Mount>,
    /// Paths hidden from the container; null means the default ones.
    pub masked_paths: List<String>,
    /// Paths made read-only; null means the default ones.
    pub readonly_paths: List<String>,
    /// Whether an init runs as PID 1; none means the daemon's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
}

/// Log driver and its options. Engine API v1.51 HostConfig.LogConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LogConfig {
    /// Driver name; empty means the daemon's default.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Options.
    pub config: Map<String>,
}

/// One host address that a port is published on. Engine API v1.51 PortBinding.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PortBinding {
    /// Address; empty means all.
    pub host_ip: String,
    /// Port, or range `first-last` to choose from; empty or `0` means any.
    pub host_port: String,
}

/// What happens after an exit. Engine API v1.51 RestartPolicy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RestartPolicy {
    /// `no`, `always`, `on-failure`, `unless-stopped` or empty (`no`).
    pub name: String,
    /// Most restarts of `on-failure`; 0 means no limit.
    pub maximum_retry_count: i64,
}
