//! The host's processors and memory.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use corten_api::container::CpuStats;

/// Reading `/proc/stat` costs more than a container's own counters: samples of the same moment share one.
const SAME_MOMENT: Duration = Duration::from_millis(5);

/// Nanoseconds of one tick of `/proc/stat` where a second has a hundred, as on every machine we run on.
const NANOS: u64 = 1_000_000_000;

/// The host's processor time, read at most once a moment, and its memory.
pub(crate) struct SystemClock {
    last: Mutex<Option<(Instant, CpuStats)>>,
    memory_bytes: u64,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            last: Mutex::new(None),
            memory_bytes: total_memory(&text),
        }
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The host's part of a sample.
    pub(super) fn now(&self) -> CpuStats {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, stats)) = &*last
            && at.elapsed() < SAME_MOMENT
        {
            return stats.clone();
        }
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let stats = parse(&text, rustix::param::clock_ticks_per_second().max(1));
        *last = Some((Instant::now(), stats.clone()));
        stats
    }
}

/// The first seven columns of the first line, as Docker counts them: guests are in the others already.
fn parse(text: &str, ticks_per_second: u64) -> CpuStats {
    let mut lines = text.lines();
    let all = lines.next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or("");
    let ticks = |word: &str| word.parse::<u64>().unwrap_or(0);
    let total: u64 = all.split_ascii_whitespace().take(7).map(ticks).sum();
    let online = lines.take_while(|line| line.starts_with("cpu")).count();
    CpuStats {
        system_cpu_usage: total.saturating_mul(NANOS / ticks_per_second),
        online_cpus: u32::try_from(online).unwrap_or(0),
        ..CpuStats::default()
    }
}

fn total_memory(text: &str) -> u64 {
    let kib = text.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse()
            .ok()
    });
    kib.unwrap_or(0_u64) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_time() {
        let text = "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 0 1 2 3 4 5 6 7 8 9\nintr 5\n";
        let stats = parse(text, 100);
        assert_eq!((stats.system_cpu_usage, stats.online_cpus), (280_000_000, 2));
        assert_eq!(total_memory("MemTotal:       24683656 kB\n"), 24_683_656 * 1024);
    }
}
