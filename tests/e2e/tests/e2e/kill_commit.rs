//! `kill -9` of the daemon at every boundary of a commit: the container goes on, and the image is whole or not there.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::wait::until_ok;

use super::kill_daemon::{Operation, interrupt_everywhere, remove_if_there};

fn whole_or_nothing(case: &Case) -> Result<()> {
    if !case.ok("images -q made")?.is_empty() {
        case.says("run --rm made cat /f", "kept")?;
        case.ok("rmi made")?;
    }
    case.says("images -aq --filter dangling=true", "")?;
    // It works the second time.
    case.ok("commit box again")?;
    case.says("run --rm again cat /f", "kept")?;
    case.ok("rmi again")?;
    let left = std::fs::read_dir(case.daemon.data_directory().join("images/tmp")).map_or(0, Iterator::count);
    ensure!(left == 0, "{left} work directories are left");
    remove_if_there(case)
}

#[test]
fn of_a_running_container() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "run -d --name box busybox sh -c 'echo kept >/f; sleep 1000'",
                "exec box sh -c 'until [ -s /f ]; do :; done'",
            ],
            line: "commit box made",
            afterwards: |case| {
                // Whoever paused it is gone.
                until_ok(LIMIT, "the container to go on", || {
                    case.says("inspect -f '{{.State.Status}}' box", "running")
                })?;
                case.says("exec box echo again", "again")?;
                whole_or_nothing(case)
            },
        },
    )
}

#[test]
fn of_a_container_that_has_ended() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["run --name box busybox sh -c 'echo kept >/f'"],
            line: "commit box made",
            afterwards: whole_or_nothing,
        },
    )
}
