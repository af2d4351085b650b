//! What the control groups count, in the shape of the API. A file that is not there counts nothing: the
//! container has just ended, or the kernel lacks the controller.

use std::path::PathBuf;

use corten_api::container::{BlkioEntry, BlkioStats, CpuUsage, MemoryStats, PidsStats, ThrottlingData};
use corten_api::{List, Map};
use corten_runtime::cgroup::with_controller;
use corten_runtime::plan::{Cgroup, Layout};

use super::read;

/// All counters of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) processor: CpuUsage,
    pub(super) throttling: ThrottlingData,
    /// The limit is zero where there is none.
    pub(super) memory: MemoryStats,
    pub(super) pids: PidsStats,
    pub(super) block_io: BlkioStats,
}

/// Reads everything.
pub(super) fn usage(cgroup: &Cgroup) -> Usage {
    let (processor, throttling) = processor(cgroup);
    Usage {
        processor,
        throttling,
        memory: memory(cgroup),
        pids: pids(cgroup),
        block_io: block_io(cgroup),
    }
}

/// Processor time and what a quota did to it.
pub(super) fn processor(cgroup: &Cgroup) -> (CpuUsage, ThrottlingData) {
    match cgroup.layout {
        Layout::V2 => processor_v2(&text(cgroup, "cpu", "cpu.stat")),
        Layout::V1 => {
            let usage = CpuUsage {
                total_usage: number(&text(cgroup, "cpuacct", "cpuacct.usage")),
                percpu_usage: List::from(
                    text(cgroup, "cpuacct", "cpuacct.usage_percpu")
                        .split_ascii_whitespace()
                        .map(number)
                        .collect::<Vec<_>>(),
                ),
                ..ticks(&text(cgroup, "cpuacct", "cpuacct.stat"))
            };
            (usage, throttling_v1(&text(cgroup, "cpu", "cpu.stat")))
        }
    }
}

fn memory(cgroup: &Cgroup) -> MemoryStats {
    let read = |file: &str| text(cgroup, "memory", file);
    match cgroup.layout {
        Layout::V2 => MemoryStats {
            usage: number(&read("memory.current")),
            stats: counters(&read("memory.stat")),
            failcnt: counter(&read("memory.events"), "oom"),
            limit: number(&read("memory.max")),
            ..MemoryStats::default()
        },
        Layout::V1 => MemoryStats {
            usage: number(&read("memory.usage_in_bytes")),
            max_usage: number(&read("memory.max_usage_in_bytes")),
            stats: counters(&read("memory.stat")),
            failcnt: number(&read("memory.failcnt")),
            limit: number(&read("memory.limit_in_bytes")),
        },
    }
}

fn pids(cgroup: &Cgroup) -> PidsStats {
    PidsStats {
        current: number(&text(cgroup, "pids", "pids.current")),
        // Unlimited is the word `max`.
        limit: number(&text(cgroup, "pids", "pids.max")),
    }
}

fn block_io(cgroup: &Cgroup) -> BlkioStats {
    match cgroup.layout {
        Layout::V2 => BlkioStats {
            io_service_bytes_recursive: List::from(devices_v2(&text(cgroup, "io", "io.stat"))),
            ..BlkioStats::default()
        },
        Layout::V1 => {
            let read = |file: &str| List::from(devices_v1(&text(cgroup, "blkio", file)));
            BlkioStats {
                io_service_bytes_recursive: read("blkio.throttle.io_service_bytes_recursive"),
                io_serviced_recursive: read("blkio.throttle.io_serviced_recursive"),
                io_queue_recursive: List::from(Vec::new()),
                io_service_time_recursive: List::from(Vec::new()),
                io_wait_time_recursive: List::from(Vec::new()),
                io_merged_recursive: List::from(Vec::new()),
                io_time_recursive: List::from(Vec::new()),
                sectors_recursive: List::from(Vec::new()),
            }
        }
    }
}

fn text(cgroup: &Cgroup, controller: &str, file: &str) -> String {
    let path: Option<PathBuf> = with_controller(cgroup, controller).map(|directory| directory.absolute().join(file));
    path.as_deref().map(read::text).unwrap_or_default()
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or(0)
}

/// Lines `name value`.
fn counters(text: &str) -> Map<u64> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        })
        .collect()
}

fn counter(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, number)
}

/// `cpuacct.stat` counts in ticks, a hundred a second.
fn ticks(text: &str) -> CpuUsage {
    const TICK_NANOS: u64 = 10_000_000;
    CpuUsage {
        usage_in_usermode: counter(text, "user").saturating_mul(TICK_NANOS),
        usage_in_kernelmode: counter(text, "system").saturating_mul(TICK_NANOS),
        ..CpuUsage::default()
    }
}

fn throttling_v1(text: &str) -> ThrottlingData {
    ThrottlingData {
        periods: counter(text, "nr_periods"),
        throttled_periods: counter(text, "nr_throttled"),
        throttled_time: counter(text, "throttled_time"),
    }
}

fn processor_v2(text: &str) -> (CpuUsage, ThrottlingData) {
    let nanos = |name: &str| counter(text, name).saturating_mul(1000);
    let usage = CpuUsage {
        total_usage: nanos("usage_usec"),
        usage_in_kernelmode: nanos("system_usec"),
        usage_in_usermode: nanos("user_usec"),
        ..CpuUsage::default()
    };
    let throttling = ThrottlingData {
        periods: counter(text, "nr_periods"),
        throttled_periods: counter(text, "nr_throttled"),
        throttled_time: nanos("throttled_usec"),
    };
    (usage, throttling)
}

/// `8:0 Read 4096`; the line `Total 4096` is of no device.
fn devices_v1(text: &str) -> Vec<BlkioEntry> {
    let entry = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (major, minor) = words.next()?.split_once(':')?;
        Some(BlkioEntry {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            op: words.next()?.to_owned(),
            value: words.next()?.parse().ok()?,
        })
    };
    text.lines().filter_map(entry).collect()
}

/// `8:0 rbytes=1 wbytes=2 rios=3 ...`
fn devices_v2(text: &str) -> Vec<BlkioEntry> {
    let mut entries = Vec::new();
    for line in text.lines() {
        let Some((device, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((Ok(major), Ok(minor))) = device
            .split_once(':')
            .map(|(major, minor)| (major.parse(), minor.parse()))
        else {
            continue;
        };
        for (name, op) in [("rbytes=", "read"), ("wbytes=", "write")] {
            let value = rest.split(' ').find_map(|word| word.strip_prefix(name)?.parse().ok());
            entries.extend(value.map(|value| BlkioEntry {
                major,
                minor,
                op: op.to_owned(),
                value,
            }));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_both_versions() {
        let v1 = devices_v1("8:0 Read 4096\n8:0 Write 1\n8:0 Total 4097\nTotal 4097\n");
        let shown: Vec<(u64, &str, u64)> = v1
            .iter()
            .map(|entry| (entry.major, entry.op.as_str(), entry.value))
            .collect();
        assert_eq!(shown, [(8, "Read", 4096), (8, "Write", 1), (8, "Total", 4097)]);
        let v2 = devices_v2("8:16 rbytes=4096 wbytes=1 rios=1 wios=1 dbytes=0 dios=0\n8:0\nx y=1\n");
        let shown: Vec<(u64, &str, u64)> = v2
            .iter()
            .map(|entry| (entry.minor, entry.op.as_str(), entry.value))
            .collect();
        assert_eq!(shown, [(16, "read", 4096), (16, "write", 1)]);
    }

    #[test]
    fn processor_time_of_both_versions() {
        let (usage, throttling) =
            processor_v2("usage_usec 5\nuser_usec 2\nsystem_usec 3\nnr_periods 7\nnr_throttled 1\nthrottled_usec 9\n");
        assert_eq!(
            (usage.total_usage, usage.usage_in_usermode, usage.usage_in_kernelmode),
            (5000, 2000, 3000)
        );
        assert_eq!(
            throttling,
            ThrottlingData {
                periods: 7,
                throttled_periods: 1,
                throttled_time: 9000
            }
        );
        let usage = ticks("user 2\nsystem 41\n");
        assert_eq!(
            (usage.usage_in_usermode, usage.usage_in_kernelmode),
            (20_000_000, 410_000_000)
        );
        assert_eq!(
            throttling_v1("nr_periods 3\nnr_throttled 2\nthrottled_time 8\n").throttled_time,
            8
        );
    }

    #[test]
    fn memory_lines() {
        let map = counters("cache 6160384\nrss 1\nx y\n");
        assert_eq!((map.get("cache").copied(), map.len()), (Some(6_160_384), 2));
        assert_eq!(
            (number("max\n"), number("64\n"), counter("oom 3\noom_kill 1", "oom")),
            (0, 64, 3)
        );
    }
}
