//! What the kernel says about the groups.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{CgroupError, with_controller};
use crate::plan::{Cgroup, Layout};

/// Pids of all processes in the groups and in groups below them, as the caller sees them.
pub fn processes(cgroup: &Cgroup) -> Result<Vec<u32>, CgroupError> {
    let preferred = ["freezer", "pids", "memory"]
        .iter()
        .find_map(|name| with_controller(cgroup, name));
    let Some(directory) = preferred.or(cgroup.directories.first()) else {
        return Ok(Vec::new());
    };
    let mut pids = Vec::new();
    collect(&directory.absolute(), &mut pids)?;
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

fn collect(path: &Path, pids: &mut Vec<u32>) -> Result<(), CgroupError> {
    let procs = path.join("cgroup.procs");
    match fs::read_to_string(&procs) {
        Ok(text) => pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok())),
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(CgroupError::on("read", procs)(error)),
    }
    for below in super::remove::children(path)? {
        collect(&below, pids)?;
    }
    Ok(())
}

/// A group that is removed meanwhile: no such file, or no such device on an open one.
pub(super) fn gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

/// How many processes the kernel has killed for want of memory. Zero without a memory controller.
pub fn oom_kills(cgroup: &Cgroup) -> Result<u64, CgroupError> {
    let Some(directory) = with_controller(cgroup, "memory") else {
        return Ok(0);
    };
    let file = directory.absolute().join(match cgroup.layout {
        Layout::V1 => "memory.oom_control",
        Layout::V2 => "memory.events",
    });
    match fs::read_to_string(&file) {
        Ok(text) => Ok(kills_in(&text)),
        Err(error) if gone(&error) => Ok(0),
        Err(error) => Err(CgroupError::on("read", file)(error)),
    }
}

/// The same out of the text of `memory.events` or `memory.oom_control`.
#[must_use]
pub fn kills_in(text: &str) -> u64 {
    counter(text, "oom_kill")
}

/// Whether the group that limits memory is (still) there.
#[must_use]
pub fn has_memory_group(cgroup: &Cgroup) -> bool {
    with_controller(cgroup, "memory").is_some_and(|directory| directory.absolute().exists())
}

fn counter(text: &str, name: &str) -> u64 {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
    value.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_their_whole_name() {
        assert_eq!(counter("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), 3);
        assert_eq!(counter("low 0\noom 7\noom_group_kill 0\n", "oom_kill"), 0);
    }
}
