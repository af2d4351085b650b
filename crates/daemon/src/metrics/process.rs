//! What the kernel tells of this process, as the metrics `process_*` want it.

use std::fs;

/// The numbers of `/proc/self`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) open_descriptors: f64,
    pub(super) most_descriptors: f64,
    pub(super) virtual_bytes: f64,
    pub(super) resident_bytes: f64,
    pub(super) started_seconds: f64,
}

impl Process {
    /// Reads them.
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let ticks = u64_to_f64(rustix::param::clock_ticks_per_second());
        let page = u64_to_f64(u64::try_from(rustix::param::page_size()).unwrap_or(4096));
        let mut process = parse(&text("/proc/self/stat"), &text("/proc/stat"), ticks, page);
        process.open_descriptors = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count()) as f64;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        process.most_descriptors = limit.current.map_or(f64::INFINITY, u64_to_f64);
        process
    }
}

fn u64_to_f64(number: u64) -> f64 {
    number as f64
}

/// Field numbers are those of proc(5), counted behind the name, which may hold blanks.
fn parse(own: &str, host: &str, ticks: f64, page: f64) -> Process {
    let fields: Vec<&str> = own.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |at: usize| fields.get(at - 3).and_then(|field| field.parse().ok()).unwrap_or(0.0);
    let boot = host.lines().find_map(|line| line.strip_prefix("btime "));
    let boot: f64 = boot.and_then(|text| text.trim().parse().ok()).unwrap_or(0.0);
    Process {
        cpu_seconds: (number(14) + number(15)) / ticks,
        started_seconds: boot + number(22) / ticks,
        virtual_bytes: number(23),
        resident_bytes: number(24) * page,
        ..Process::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_proc_are_found() {
        let own = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 5 0 1000 8192 3 1 1";
        let found = parse(own, "cpu 1 2\nbtime 1700000000\n", 100.0, 4096.0);
        assert_eq!(found.cpu_seconds, 2.0);
        assert_eq!(found.started_seconds, 1_700_000_010.0);
        assert_eq!((found.virtual_bytes, found.resident_bytes), (8192.0, 12288.0));
        assert_eq!(parse("", "", 100.0, 4096.0), Process::default());
    }
}
