//! What /proc says of a process: memory, processor time, children, name.

use std::fs;

use anyhow::{Context as _, Result};

/// Proportional set size of a process in KiB (proc(5), `smaps_rollup`).
pub(crate) fn pss_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    text.lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok())
        .with_context(|| format!("{path} has no Pss line"))
}

/// User and system time of a process and its reaped children, in milliseconds.
pub(crate) fn cpu_ms(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = text.rsplit_once(')').context("stat has a name in parentheses")?.1;
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    // USER_HZ is 100 on every architecture that Linux runs Rust on.
    Ok(ticks * 10)
}

/// Pids of the processes of that name.
pub(crate) fn named(name: &str) -> Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process that ends between the two reads is not there.
        if fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name) {
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// How many processes there are.
pub(crate) fn count() -> Result<usize> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.parse::<u32>().is_ok())
        })
        .count())
}

/// Processor time of the whole machine that was not idle, in milliseconds (proc(5), `/proc/stat`).
pub(crate) fn busy_ms() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let values: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    let busy = values
        .iter()
        .enumerate()
        .filter(|(index, _)| !matches!(index, 3 | 4 | 7 | 8 | 9))
        .map(|(_, value)| value)
        .sum::<u64>();
    Ok(busy * 10)
}
