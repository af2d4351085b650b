//! `kill -9` of a container's keeper: the container is killed with it, seen as such, and cleaned up.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::daemon::signal;
use corten_testkit::wait::until_ok;
use rustix::process::Signal;

/// The host pid of the keeper of the container with this id.
pub(super) fn shim_of(case: &Case, id: &str) -> Result<u32> {
    let inside = corten_testkit::census::processes_of(case.daemon.sandbox.first_pid());
    let is_shim = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("corten-shim") && line.contains(id)
    };
    inside.into_iter().find(is_shim).context("no keeper of the container")
}

#[test]
fn the_container_dies_with_its_keeper() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box -p 8080:80 busybox sleep 1000")?;
        signal(shim_of(case, &id)?, Signal::KILL)?;
        until_ok(LIMIT, "the exit", || {
            case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' box", "exited 137")
        })?;
        case.ok("start box").context("start again")?;
        case.says("inspect -f '{{.State.Running}}' box", "true")?;
        case.ok("rm -f box").map(drop)
    })
}

#[test]
fn a_keeper_killed_while_the_daemon_is_down_is_seen_later() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box -p 8080:80 busybox sleep 1000")?;
        let removed = case.ok("run -d --rm --name removed busybox sleep 1000")?;
        let keepers = [shim_of(case, &id)?, shim_of(case, &removed)?];
        case.daemon.kill()?;
        for keeper in keepers {
            signal(keeper, Signal::KILL)?;
        }
        case.daemon.launch()?;
        until_ok(LIMIT, "the exit", || {
            case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' box", "exited 137")
        })?;
        until_ok(LIMIT, "the removal", || case.fails("inspect removed", 1, "No such"))?;
        case.ok("rm box").map(drop)
    })
}

#[test]
fn a_container_without_its_own_pid_namespace_dies_too() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let outcome = case.run("run -d --name box --pid host busybox sh -c 'sleep 1000 & sleep 1000 & wait'")?;
        if outcome.code != 0 {
            ensure!(
                outcome.stderr.to_lowercase().contains("pid"),
                "refused without naming it: {outcome}"
            );
            return case.run("rm box").map(drop);
        }
        let id = outcome.text().to_owned();
        signal(shim_of(case, &id)?, Signal::KILL)?;
        until_ok(LIMIT, "the exit", || {
            case.says("inspect -f '{{.State.Status}}' box", "exited")
        })?;
        case.ok("rm box").map(drop)
    })
}

/// A keeper that does not answer keeps nobody from ending its container.
#[test]
fn a_keeper_that_is_stuck_is_killed() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box busybox sleep 1000")?;
        signal(shim_of(case, &id)?, Signal::STOP)?;
        case.says("stop -t 0 box", "box")?;
        case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' box", "exited 137")?;
        case.ok("start box").context("start again")?;
        signal(shim_of(case, &id)?, Signal::STOP)?;
        case.ok("rm -f box")?;
        case.ok("run --rm busybox true").map(drop)
    })
}

/// Nor does it keep a daemon from starting; one that was only stopped goes on, and its container with it.
#[test]
fn a_keeper_that_is_silent_at_the_start_is_asked_again() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box busybox sleep 1000")?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
        signal(shim_of(case, &id)?, Signal::STOP)?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        let log = case.daemon.log_tail();
        ensure!(
            log.contains("is silent: it is asked again") && log.contains("box"),
            "{log}"
        );
        case.says(
            "inspect -f '{{.State.Status}} {{.State.Pid}}' box",
            &format!("running {pid}"),
        )?;
        case.says("exec box echo inside", "inside")?;
        case.ok("rm -f box").map(drop)
    })
}
