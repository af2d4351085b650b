//! `kill -9` of the daemon at every boundary of what changes a volume, and of a start that mounts one.

use anyhow::{Result, ensure};
use corten_e2e::Case;

use super::kill_daemon::{Operation, interrupt_everywhere, remove_if_there};

const MAKE: &str = "volume create -o type=tmpfs -o device=tmpfs -o o=size=1m mem";

/// Nothing is mounted that no container uses.
fn unmounted(case: &Case) -> Result<()> {
    let data = case.daemon.data_directory();
    let volumes = data.join("volumes");
    let left = case.script(&format!("grep ' {}/' /proc/self/mountinfo; true", volumes.display()))?;
    ensure!(left.text().is_empty(), "{}", left.text());
    Ok(())
}

#[test]
fn create() -> Result<()> {
    interrupt_everywhere(
        &[],
        &Operation {
            prepare: &[],
            line: MAKE,
            afterwards: |case| {
                case.says(MAKE, "mem")?;
                case.says("volume inspect -f '{{.Options.type}}' mem", "tmpfs")?;
                case.ok("volume rm mem")?;
                unmounted(case)
            },
        },
    )
}

/// What was never recorded is no volume, and nothing of it stays.
#[test]
fn create_whole_or_not_at_all() -> Result<()> {
    interrupt_everywhere(
        &[],
        &Operation {
            prepare: &[],
            line: "volume create half",
            afterwards: |case| {
                case.ok("volume rm -f half")?;
                case.says("volume ls -q", "")
            },
        },
    )
}

#[test]
fn remove() -> Result<()> {
    interrupt_everywhere(
        &[],
        &Operation {
            prepare: &["volume create gone"],
            line: "volume rm gone",
            afterwards: |case| {
                case.ok("volume rm -f gone")?;
                case.says("volume ls -q", "")
            },
        },
    )
}

#[test]
fn start_that_mounts() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[MAKE, "create --name box -v mem:/m busybox sleep 1000"],
            line: "start box",
            afterwards: |case| {
                if case.ok("inspect -f '{{.State.Running}}' box")? == "true" {
                    case.says(
                        "exec box sh -c \"df -k /m | tail -1 | tr -s ' ' | cut -d' ' -f2\"",
                        "1024",
                    )?;
                } else {
                    unmounted(case)?;
                }
                remove_if_there(case)?;
                unmounted(case)?;
                case.ok("volume rm mem").map(drop)
            },
        },
    )
}

#[test]
fn end_that_unmounts() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[MAKE, "run -d --name box -v mem:/m busybox sleep 1000"],
            line: "rm -f box",
            afterwards: |case| {
                remove_if_there(case)?;
                unmounted(case)?;
                case.ok("volume rm mem").map(drop)
            },
        },
    )
}
