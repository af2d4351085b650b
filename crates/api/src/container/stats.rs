//! What `GET /containers/{id}/stats` answers: one of these, or a stream of them, one per second.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{List, Map, is_zero};

/// One sample. All zero, with the zero time in `read`, for a container that does not run.
/// Engine API v1.51 ContainerStatsResponse; order of keys observed: dockerd 28.5.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerStats {
    /// Name with a leading slash.
    #[serde(skip_serializing_if = "is_zero")]
    pub name: String,
    /// Full id.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: String,
    /// When this sample was taken.
    pub read: Timestamp,
    /// When the one before was; zero in the first of a stream.
    pub preread: Timestamp,
    /// Processes and threads.
    pub pids_stats: PidsStats,
    /// Block I/O.
    pub blkio_stats: BlkioStats,
    /// Windows only.
    pub num_procs: u32,
    /// Windows only: written `{}`.
    pub storage_stats: crate::Empty,
    /// Processor time now.
    pub cpu_stats: CpuStats,
    /// Processor time at `preread`.
    pub precpu_stats: CpuStats,
    /// Memory.
    pub memory_stats: MemoryStats,
    /// Interfaces by name; absent where the container has no network of its own.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub networks: Map<NetworkStats>,
}

/// Processes and threads. Engine API v1.51 ContainerPidsStats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PidsStats {
    /// How many there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub current: u64,
    /// How many there may be; absent where unlimited.
    #[serde(skip_serializing_if = "is_zero")]
    pub limit: u64,
}

/// Block I/O counters. Engine API v1.51 ContainerBlkioStats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlkioStats {
    /// Bytes read and written.
    pub io_service_bytes_recursive: List<BlkioEntry>,
    /// Operations.
    pub io_serviced_recursive: List<BlkioEntry>,
    /// Operations that wait.
    pub io_queue_recursive: List<BlkioEntry>,
    /// Nanoseconds of service.
    pub io_service_time_recursive: List<BlkioEntry>,
    /// Nanoseconds of waiting.
    pub io_wait_time_recursive: List<BlkioEntry>,
    /// Merged operations.
    pub io_merged_recursive: List<BlkioEntry>,
    /// Milliseconds of device time.
    pub io_time_recursive: List<BlkioEntry>,
    /// Sectors.
    pub sectors_recursive: List<BlkioEntry>,
}

/// One counter of one device. Engine API v1.51 ContainerBlkioStatEntry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlkioEntry {
    /// Major device number.
    pub major: u64,
    /// Minor device number.
    pub minor: u64,
    /// `read`, `write`, `sync`, `async`, `discard`, `total`; the first letter is a capital on cgroup v1.
    pub op: String,
    /// The counter.
    pub value: u64,
}

/// Processor time. Engine API v1.51 ContainerCPUStats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuStats {
    /// The container's.
    pub cpu_usage: CpuUsage,
    /// The host's whole time so far, all processors together, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub system_cpu_usage: u64,
    /// Processors of the host.
    #[serde(skip_serializing_if = "is_zero")]
    pub online_cpus: u32,
    /// How often its quota held it back.
    pub throttling_data: ThrottlingData,
}

/// Processor time of one container, in nanoseconds. Engine API v1.51 ContainerCPUUsage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuUsage {
    /// All of it.
    pub total_usage: u64,
    /// Per processor; cgroup v1 only.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub percpu_usage: List<u64>,
    /// In the kernel.
    pub usage_in_kernelmode: u64,
    /// Outside it.
    pub usage_in_usermode: u64,
}

/// What a quota did. Engine API v1.51 ContainerThrottlingData.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThrottlingData {
    /// Periods so far.
    pub periods: u64,
    /// Periods in which the quota was used up.
    pub throttled_periods: u64,
    /// Nanoseconds held back.
    pub throttled_time: u64,
}

/// Memory in bytes. Engine API v1.51 ContainerMemoryStats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryStats {
    /// In use, page cache included.
    #[serde(skip_serializing_if = "is_zero")]
    pub usage: u64,
    /// Highest use; cgroup v1 only.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_usage: u64,
    /// The lines of `memory.stat`.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub stats: Map<u64>,
    /// How often the limit was met; cgroup v1 only.
    #[serde(skip_serializing_if = "is_zero")]
    pub failcnt: u64,
    /// The limit, or the host's memory.
    #[serde(skip_serializing_if = "is_zero")]
    pub limit: u64,
}

/// Counters of one interface. Engine API v1.51 ContainerNetworkStats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkStats {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Errors on receipt.
    pub rx_errors: u64,
    /// Dropped on receipt.
    pub rx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Errors on sending.
    pub tx_errors: u64,
    /// Dropped on sending.
    pub tx_dropped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed: dockerd 28.5, cgroup v1, a container that was never started.
    const STOPPED: &str = r#"{"name":"/bb","id":"61","read":"0001-01-01T00:00:00Z","preread":"0001-01-01T00:00:00Z","pids_stats":{},"blkio_stats":{"io_service_bytes_recursive":null,"io_serviced_recursive":null,"io_queue_recursive":null,"io_service_time_recursive":null,"io_wait_time_recursive":null,"io_merged_recursive":null,"io_time_recursive":null,"sectors_recursive":null},"num_procs":0,"storage_stats":{},"cpu_stats":{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}},"precpu_stats":{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}},"memory_stats":{}}"#;

    #[test]
    fn a_stopped_container_as_docker_writes_it() {
        let stats: ContainerStats = serde_json::from_str(STOPPED).unwrap();
        assert!(stats.read.is_zero());
        assert_eq!(serde_json::to_string(&stats).unwrap(), STOPPED);
    }
}
