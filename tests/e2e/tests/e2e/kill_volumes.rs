//! `kill -9` of the daemon at every boundary of what changes a volume, and of a start that mounts one.

use anyhow::{Result, ensure};
use corten_e2e::{Case, Client};

use super::kill_daemon::{Operation, interrupt_everywhere, interrupt_everywhere_by, remove_if_there};

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

/// What is used stays, the others go, at once or by the next one.
#[test]
fn prune() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "volume create one",
                "volume create two",
                "run --rm -v one:/v busybox touch /v/file",
                "create --name box -v used:/v busybox true",
            ],
            line: "volume prune -af",
            afterwards: |case| {
                case.ok("volume prune -af")?;
                case.says("volume ls -q", "used")?;
                let volumes = case.daemon.data_directory().join("volumes");
                ensure!(
                    !volumes.join("one").exists() && !volumes.join("two").exists(),
                    "a directory is left"
                );
                remove_if_there(case)?;
                case.ok("volume rm used").map(drop)
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

/// The volume `new` is there with all that `full` has, or not at all, and can be made then.
fn whole_or_not_at_all(case: &Case, again: &str) -> Result<()> {
    let volumes = case.daemon.data_directory().join("volumes");
    for entry in std::fs::read_dir(&volumes)? {
        let name = entry?.file_name();
        ensure!(
            ["full", "mem", "new"].iter().any(|known| name == *known),
            "{name:?} is left"
        );
    }
    if case.run("volume inspect new")?.code != 0 {
        case.ok(again)?;
    }
    ensure!(std::fs::read(volumes.join("new/_data/d/file"))? == b"content");
    unmounted(case)?;
    case.ok("volume rm new full").map(drop)
}

const FULL: &[&str] = &[
    "volume create full",
    "run --rm -v full:/v busybox sh -c 'mkdir /v/d; echo -n content >/v/d/file'",
];

#[test]
fn clone() -> Result<()> {
    interrupt_everywhere_by(
        Client::Corten,
        &["busybox"],
        &Operation {
            prepare: FULL,
            line: "volume clone full new",
            afterwards: |case| whole_or_not_at_all(case, "volume clone full new"),
        },
    )
}

#[test]
fn clone_of_what_is_mounted_for_it() -> Result<()> {
    interrupt_everywhere_by(
        Client::Corten,
        &["busybox"],
        &Operation {
            prepare: &[
                "volume create full",
                "run --rm -v full:/v busybox sh -c 'mkdir /v/d; echo -n content >/v/d/file'",
                "volume export -o /run/full.tar full",
                "volume create -o type=none -o o=bind -o device=/run mem",
            ],
            line: "volume clone mem new",
            afterwards: |case| {
                unmounted(case)?;
                case.ok("volume rm mem")?;
                if case.run("volume inspect new")?.code == 0 {
                    let data = case.daemon.data_directory().join("volumes/new/_data");
                    ensure!(data.join("full.tar").metadata()?.len() > 0);
                    case.ok("volume rm new")?;
                }
                whole_or_not_at_all(case, "volume clone full new")
            },
        },
    )
}

#[test]
fn import() -> Result<()> {
    interrupt_everywhere_by(
        Client::Corten,
        &["busybox"],
        &Operation {
            prepare: &[
                "volume create full",
                "run --rm -v full:/v busybox sh -c 'mkdir /v/d; echo -n content >/v/d/file'",
                "volume export -o /run/full.tar full",
            ],
            line: "volume import new /run/full.tar",
            afterwards: |case| whole_or_not_at_all(case, "volume import new /run/full.tar"),
        },
    )
}

/// What was being copied is copied or not; the volume is unmounted and can be used and removed.
#[test]
fn copy_into_what_is_mounted_for_it() -> Result<()> {
    interrupt_everywhere_by(
        Client::Corten,
        &[],
        &Operation {
            prepare: &[MAKE],
            line: "volume cp /etc/passwd mem:/file",
            afterwards: |case| {
                unmounted(case)?;
                case.ok("volume cp /etc/passwd mem:/file")?;
                unmounted(case)?;
                case.ok("volume rm mem").map(drop)
            },
        },
    )
}

#[test]
fn create_that_copies_up() -> Result<()> {
    interrupt_everywhere(
        &["redis"],
        &Operation {
            prepare: &[],
            line: "create --name box -v up:/data redis",
            afterwards: |case| {
                remove_if_there(case)?;
                // An empty volume is filled by the next container: never one that is filled in part.
                case.says("run --rm -v up:/data redis ls /data", "made-by-image")?;
                case.ok("volume rm up").map(drop)
            },
        },
    )
}
