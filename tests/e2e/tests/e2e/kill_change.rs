//! `kill -9` of the daemon at every boundary of what changes a container: its name, its limits, a pause.

use anyhow::Result;

use super::kill_daemon::{Operation, interrupt_everywhere, remove_if_there};

#[test]
fn rename() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["run -d --name before busybox sleep 1000"],
            line: "rename before box",
            afterwards: |case| {
                // One name or the other, and the other one free.
                if case.ok("ps --format '{{.Names}}'")? == "before" {
                    case.ok("rename before box")?;
                }
                case.ok("create --name before busybox true")?;
                case.ok("rm before")?;
                remove_if_there(case)
            },
        },
    )
}

#[test]
fn update() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["run -d --name box --pids-limit 100 busybox sleep 1000"],
            line: "update --pids-limit 50 box",
            afterwards: |case| {
                // What is said is what is so.
                let limit = case.ok("inspect -f '{{.HostConfig.PidsLimit}}' box")?;
                let id = case.ok("inspect -f '{{.Id}}' box")?;
                let files = format!("/sys/fs/cgroup/pids/*/{id}/pids.max /sys/fs/cgroup/*/{id}/pids.max");
                let held = case.script(&format!("cat {files} 2>/dev/null | head -n 1"))?;
                held.success()?.says(&limit)?;
                remove_if_there(case)
            },
        },
    )
}

#[test]
fn unpause() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["run -d --name box busybox sleep 1000", "pause box"],
            line: "unpause box",
            afterwards: |case| {
                // Woken or not, what is said is what is so.
                if case.ok("inspect -f '{{.State.Paused}}' box")? == "true" {
                    case.ok("unpause box")?;
                }
                case.says("exec box echo again", "again")?;
                remove_if_there(case)
            },
        },
    )
}

#[test]
fn create_with_anothers_volumes() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["run --name source -v /anonymous busybox sh -c 'echo kept > /anonymous/file'"],
            line: "create --name box --volumes-from source busybox true",
            afterwards: |case| {
                case.says("run --rm --volumes-from source busybox cat /anonymous/file", "kept")?;
                case.ok("rm -f -v source")?;
                remove_if_there(case)
            },
        },
    )
}
