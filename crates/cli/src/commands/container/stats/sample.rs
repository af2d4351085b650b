//! The figures of one sample, computed as Docker's client does. Pure.

use corten_api::container::{BlkioStats, ContainerStats, CpuStats, MemoryStats};

/// What one line shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sample {
    pub(super) id: String,
    /// With a leading slash.
    pub(super) name: String,
    /// Of one processor: two busy ones are 200.
    pub(super) cpu_percent: f64,
    /// Bytes, without what the kernel would give back first.
    pub(super) memory: u64,
    pub(super) memory_limit: u64,
    pub(super) memory_percent: f64,
    /// Bytes received and sent on all interfaces.
    pub(super) network: (u64, u64),
    /// Bytes read and written.
    pub(super) block: (u64, u64),
    pub(super) pids: u64,
}

impl From<ContainerStats> for Sample {
    fn from(stats: ContainerStats) -> Self {
        let memory = memory(&stats.memory_stats);
        let limit = stats.memory_stats.limit;
        let interfaces = stats.networks.values();
        let network = interfaces.fold((0, 0), |(received, sent): (u64, u64), interface| {
            (
                received.saturating_add(interface.rx_bytes),
                sent.saturating_add(interface.tx_bytes),
            )
        });
        Self {
            cpu_percent: cpu_percent(&stats.precpu_stats, &stats.cpu_stats),
            memory,
            memory_limit: limit,
            memory_percent: if limit == 0 {
                0.0
            } else {
                float(memory) / float(limit) * 100.0
            },
            network,
            block: block(&stats.blkio_stats),
            pids: stats.pids_stats.current,
            id: stats.id,
            name: stats.name,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage shows two digits")]
fn float(number: u64) -> f64 {
    number as f64
}

fn cpu_percent(before: &CpuStats, now: &CpuStats) -> f64 {
    let used = float(now.cpu_usage.total_usage) - float(before.cpu_usage.total_usage);
    let passed = float(now.system_cpu_usage) - float(before.system_cpu_usage);
    let processors = match now.online_cpus {
        0 => u64::try_from(now.cpu_usage.percpu_usage.len()).unwrap_or(0),
        count => u64::from(count),
    };
    if used > 0.0 && passed > 0.0 {
        used / passed * float(processors) * 100.0
    } else {
        0.0
    }
}

/// Inactive page cache does not count: `total_inactive_file` of cgroup v1, `inactive_file` of v2.
fn memory(stats: &MemoryStats) -> u64 {
    let cache = ["total_inactive_file", "inactive_file"]
        .iter()
        .filter_map(|name| stats.stats.get(*name))
        .find(|cache| **cache < stats.usage);
    stats.usage - cache.copied().unwrap_or(0)
}

fn block(stats: &BlkioStats) -> (u64, u64) {
    let mut bytes = (0_u64, 0_u64);
    for entry in &stats.io_service_bytes_recursive {
        match entry.op.chars().next() {
            Some('r' | 'R') => bytes.0 = bytes.0.saturating_add(entry.value),
            Some('w' | 'W') => bytes.1 = bytes.1.saturating_add(entry.value),
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        serde_json::from_str::<ContainerStats>(text).unwrap().into()
    }

    #[test]
    fn both_versions_of_cgroups() {
        let one = sample(
            r#"{"name":"/a","memory_stats":{"usage":1000,"limit":2000,"stats":{"total_inactive_file":100,"inactive_file":5}},
            "blkio_stats":{"io_service_bytes_recursive":[{"op":"Read","value":3},{"op":"Write","value":4},{"op":"Sync","value":9},{"op":"Total","value":16}]},
            "networks":{"eth0":{"rx_bytes":1,"tx_bytes":2},"eth1":{"rx_bytes":10,"tx_bytes":20}},"pids_stats":{"current":7},
            "cpu_stats":{"cpu_usage":{"total_usage":200,"percpu_usage":[1,1]},"system_cpu_usage":1000},
            "precpu_stats":{"cpu_usage":{"total_usage":100},"system_cpu_usage":800}}"#,
        );
        assert_eq!((one.memory, one.memory_percent), (900, 45.0));
        assert_eq!((one.block, one.network, one.pids), ((3, 4), (11, 22), 7));
        assert_eq!(one.cpu_percent, 100.0);
        let two = sample(
            r#"{"memory_stats":{"usage":1000,"limit":2000,"stats":{"inactive_file":600}},
            "cpu_stats":{"cpu_usage":{"total_usage":150},"system_cpu_usage":1000,"online_cpus":4},
            "precpu_stats":{"cpu_usage":{"total_usage":100},"system_cpu_usage":800}}"#,
        );
        assert_eq!((two.memory, two.cpu_percent), (400, 100.0));
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let odd = sample(
            r#"{"memory_stats":{"usage":10,"stats":{"inactive_file":600}},
            "cpu_stats":{"cpu_usage":{"total_usage":1},"system_cpu_usage":1},
            "precpu_stats":{"cpu_usage":{"total_usage":100},"system_cpu_usage":800}}"#,
        );
        assert_eq!((odd.memory, odd.memory_percent, odd.cpu_percent), (10, 0.0, 0.0));
        assert_eq!(sample("{}"), Sample::default());
    }
}
