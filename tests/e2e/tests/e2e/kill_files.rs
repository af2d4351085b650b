//! `kill -9` of the daemon at every boundary of copies and exports: nothing stays mounted, the container is as good as
//! before, and the same copy works the second time. A directory may be copied in part, as with dockerd.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::wait::until_ok;

use super::kill_daemon::{Operation, interrupt_everywhere, remove_if_there};

/// Texts of Debian's, with links among them.
const FROM: &str = "/usr/share/common-licenses";

/// The container has its own files, whatever came in is whole, and the copy works now.
fn came_in(case: &Case) -> Result<()> {
    case.ok(&format!("cp {FROM} box:/in"))?;
    case.script("rm -rf /run/back")?.success()?;
    case.ok("cp box:/in /run/back")?;
    // The first copy made `/in` and the second went below it, or the first made nothing.
    case.script(&format!(
        "diff -r {FROM} /run/back 2>/dev/null || diff -r {FROM} /run/back/common-licenses"
    ))?
    .success()?;
    works(case)
}

fn works(case: &Case) -> Result<()> {
    until_ok(LIMIT, "the container to start", || {
        if case.ok("inspect -f '{{.State.Running}}' box")? != "true" {
            case.ok("start box")?;
        }
        case.says("exec box cat /data/kept", "kept")
    })?;
    remove_if_there(case)
}

const RUNNING: &str = "run -d --name box -v /data busybox sh -c 'echo kept >/data/kept; sleep 1000'";
const READY: &str = "exec box sh -c 'until [ -s /data/kept ]; do :; done'";

#[test]
fn into_a_running_container() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[RUNNING, READY],
            line: "cp /usr/share/common-licenses box:/in",
            afterwards: came_in,
        },
    )
}

#[test]
fn into_a_container_at_rest() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[RUNNING, READY, "stop -t 0 box"],
            line: "cp /usr/share/common-licenses box:/in",
            afterwards: came_in,
        },
    )
}

#[test]
fn out_of_a_container_at_rest() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[RUNNING, READY, "stop -t 0 box"],
            line: "cp box:/data /run/out",
            afterwards: |case| {
                case.script("rm -rf /run/out")?.success()?;
                case.ok("cp box:/data /run/out")?;
                case.script("grep kept /run/out/kept && rm -r /run/out")?.success()?;
                works(case)
            },
        },
    )
}

#[test]
fn an_export() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[RUNNING, READY],
            line: "export -o /run/export.tar box",
            afterwards: |case| {
                // Under its name there is a whole archive or none.
                let whole = case.script("! test -e /run/export.tar || tar -tf /run/export.tar >/run/listed")?;
                ensure!(whole.code == 0, "half an archive: {whole}");
                case.script("rm -f /run/export.tar")?.success()?;
                case.ok("export -o /run/export.tar box")?;
                case.script("tar -tf /run/export.tar | grep -q '^bin/busybox$' && rm /run/export.tar")?
                    .success()?;
                works(case)
            },
        },
    )
}
