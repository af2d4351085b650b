//! Restart policies over restarts of the daemon and of the host, and what happens to memory's victims.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::daemon::signal;
use corten_testkit::wait::until_ok;
use rustix::process::Signal;

use super::kill_shim::shim_of;

fn state(case: &Case, name: &str) -> Result<String> {
    case.ok(&format!("inspect -f '{{{{.State.Status}}}}' {name}"))
}

fn becomes(case: &Case, name: &str, wanted: &str) -> Result<()> {
    until_ok(LIMIT, wanted, || {
        let state = state(case, name)?;
        ensure!(state == wanted, "{name} is {state}");
        Ok(())
    })
}

#[test]
fn a_policy_counts_and_a_stop_ends_it() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box --restart always busybox sh -c 'sleep 0.1; exit 3'")?;
        until_ok(LIMIT, "three restarts", || {
            let count: u32 = case.ok("inspect -f '{{.RestartCount}}' box")?.parse()?;
            ensure!(count >= 3, "{count}");
            Ok(())
        })?;
        until_ok(LIMIT, "the wait between two runs", || {
            let box_ = case.inspect("box")?;
            ensure!(
                box_["State"]["Restarting"] == true && box_["State"]["ExitCode"] == 3,
                "{}",
                box_["State"]
            );
            Ok(())
        })?;
        case.ok("stop box")?;
        ensure!(state(case, "box")? == "exited", "{}", state(case, "box")?);
        case.ok("rm box")?;
        case.ok("run -d --name twice --restart on-failure:2 busybox false")?;
        becomes(case, "twice", "exited")?;
        case.says("inspect -f '{{.RestartCount}} {{.State.ExitCode}}' twice", "2 1")?;
        case.ok("start twice")?;
        until_ok(LIMIT, "two more", || {
            case.says("inspect -f '{{.RestartCount}} {{.State.Status}}' twice", "2 exited")
        })?;
        case.ok("rm -f twice")?;
        Ok(())
    })
}

/// Policy, the container's own stop signal, the signal that `kill` sends and that ends the program, and whether the
/// policy starts it again (observed: dockerd 28.5).
const SIGNALS: &[(&str, &str, &str, bool)] = &[
    ("always", "", "USR1", false),
    ("always", "--stop-signal USR1", "USR1", false),
    ("always", "--stop-signal TERM", "USR1", true),
    ("always", "--stop-signal TERM", "KILL", false),
    ("on-failure", "--stop-signal TERM", "USR1", true),
    ("on-failure", "--stop-signal TERM", "TERM", false),
    ("unless-stopped", "--stop-signal TERM", "USR1", false),
];

#[test]
fn a_signal_by_hand_may_be_a_stop() -> Result<()> {
    one(&["busybox"], |case| {
        for (number, (policy, stop, signal, starts)) in SIGNALS.iter().enumerate() {
            let name = format!("box{number}");
            case.ok(&format!(
                "run -d --name {name} --restart {policy} {stop} busybox sh -c 'trap \"exit 3\" USR1 TERM; echo set; while :; do sleep 0.1; done'"
            ))?;
            until_ok(LIMIT, "the trap", || {
                ensure!(case.ok(&format!("logs {name}"))? == "set", "not yet");
                Ok(())
            })?;
            case.ok(&format!("kill -s {signal} {name}"))?;
            let wanted = if *starts { "running 1" } else { "exited 0" };
            until_ok(LIMIT, wanted, || {
                case.says(
                    &format!("inspect -f '{{{{.State.Status}}}} {{{{.RestartCount}}}}' {name}"),
                    wanted,
                )
            })
            .map_err(|error| error.context(format!("{policy} {stop} {signal}")))?;
            case.ok(&format!("rm -f {name}"))?;
        }
        Ok(())
    })
}

/// What `--restart` says, what was done before, and whether it runs after the daemon or the host came back.
const CASES: &[(&str, &str, &str)] = &[
    ("no", "", "exited"),
    ("always", "", "running"),
    ("always", "stop", "running"),
    ("unless-stopped", "", "running"),
    ("unless-stopped", "stop", "exited"),
    ("on-failure", "", "running"),
    ("on-failure", "stop", "exited"),
];

#[test]
fn policies_hold_after_the_host_was_restarted() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let mut keepers = Vec::new();
        for (number, (policy, before, _)) in CASES.iter().enumerate() {
            let name = format!("box{number}");
            let id = case.ok(&format!("run -d --name {name} --restart {policy} busybox sleep 1000"))?;
            if *before == "stop" {
                case.ok(&format!("stop -t 0 {name}"))?;
            } else {
                keepers.push(shim_of(case, &id)?);
            }
        }
        case.daemon.kill()?;
        for keeper in keepers {
            signal(keeper, Signal::KILL)?;
        }
        case.daemon.launch()?;
        for (number, (policy, before, after)) in CASES.iter().enumerate() {
            let name = format!("box{number}");
            becomes(case, &name, after).map_err(|error| error.context(format!("{policy} {before}")))?;
        }
        let names: Vec<String> = (0..CASES.len()).map(|number| format!("box{number}")).collect();
        case.ok(&format!("rm -f {}", names.join(" ")))?;
        Ok(())
    })
}

#[test]
fn a_restart_that_is_due_comes_after_the_daemon_too() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("run -d --name box --restart always busybox sh -c 'sleep 0.1; exit 3'")?;
        until_ok(LIMIT, "the wait between two runs", || {
            ensure!(state(case, "box")? == "restarting", "{}", state(case, "box")?);
            Ok(())
        })?;
        let count = |case: &Case| -> Result<u32> { Ok(case.ok("inspect -f '{{.RestartCount}}' box")?.parse()?) };
        case.daemon.kill()?;
        case.daemon.launch()?;
        let before = count(case)?;
        until_ok(LIMIT, "another restart", || {
            let now = count(case)?;
            ensure!(now > before, "{before} before, {now} now");
            Ok(())
        })?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn memorys_victims_are_known() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box -m 16m --memory-swap 16m busybox sh -c 'tail /dev/zero; sleep 0.2; exit 9'")?;
        becomes(case, "box", "exited")?;
        case.says("inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' box", "true 9")?;
        case.ok("run --name direct -m 16m --memory-swap 16m busybox tail /dev/zero")
            .err();
        case.says(
            "inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' direct",
            "true 137",
        )?;
        case.ok("run --name spared -m 64m busybox true")?;
        case.says("inspect -f '{{.State.OOMKilled}}' spared", "false")?;
        let now = case.script("date +%s.%N")?.success()?.text().to_owned();
        let events = case.ok(&format!(
            "events --since 1 --until {now} --filter event=oom --format '{{{{.Actor.Attributes.name}}}}'"
        ))?;
        ensure!(
            events.contains("box") && events.contains("direct") && !events.contains("spared"),
            "{events}"
        );
        case.ok("rm -f box direct spared")?;
        Ok(())
    })
}
