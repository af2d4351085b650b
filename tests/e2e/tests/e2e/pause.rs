//! Pausing: processes stand still and go on, and every other verb knows a paused container.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::wait::until_ok;

/// A container that writes a growing number into its root.
const COUNTER: &str =
    "run -d --name box busybox sh -c 'n=0; while :; do n=$((n+1)); echo $n > /n; usleep 10000 || sleep 0.01; done'";

/// What the counter shows, read through the container's own root.
fn count(case: &Case) -> Result<u64> {
    let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
    let shown = case.script(&format!("cat /proc/{pid}/root/n"))?.success()?;
    Ok(shown.text().parse().unwrap_or(0))
}

fn goes_on(case: &Case) -> Result<()> {
    let before = count(case)?;
    until_ok(LIMIT, "the counter", || {
        ensure!(count(case)? > before, "it stands at {before}");
        Ok(())
    })
}

fn state(case: &Case) -> Result<String> {
    case.ok("inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Paused}}' box")
}

#[test]
fn processes_stand_still_and_go_on() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(COUNTER)?;
        until_ok(LIMIT, "the counter", || {
            ensure!(count(case)? > 0, "it has not begun");
            Ok(())
        })?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
        case.says("pause box", "box")?;
        ensure!(state(case)? == "paused true true", "{}", state(case)?);
        let status = case.ok("ps --format '{{.Status}}' --filter status=paused")?;
        ensure!(status.starts_with("Up ") && status.ends_with("(Paused)"), "{status}");
        let (frozen, started) = (count(case)?, std::time::Instant::now());
        // A counter that ran would pass a hundred in this time.
        while started.elapsed().as_millis() < 300 {
            ensure!(count(case)? == frozen, "a paused container counts");
        }
        case.says("unpause box", "box")?;
        ensure!(state(case)? == "running true false", "{}", state(case)?);
        case.says("inspect -f '{{.State.Pid}}' box", &pid)?;
        goes_on(case)?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn every_other_verb_knows_a_paused_container() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok(COUNTER)?;
        let stopped = case.ok("create --name idle busybox true")?;
        let paused = "Container {ID} is paused, unpause the container before";
        for (method, path, status, message) in [
            ("POST", "/containers/nosuch/pause", 404, "No such container: nosuch"),
            ("POST", "/containers/nosuch/unpause", 404, "No such container: nosuch"),
            ("POST", "/containers/idle/pause", 409, "container {IDLE} is not running"),
            (
                "POST",
                "/containers/idle/unpause",
                500,
                "Container {IDLE} is not paused",
            ),
            ("POST", "/containers/box/unpause", 500, "Container {ID} is not paused"),
            ("POST", "/containers/box/pause", 204, ""),
            ("POST", "/containers/box/pause", 409, "Container {ID} is already paused"),
            (
                "POST",
                "/containers/box/start",
                409,
                "cannot start a paused container, try unpause instead",
            ),
            (
                "DELETE",
                "/containers/box",
                409,
                "cannot remove container \"box\": container is paused and must be unpaused first",
            ),
        ] {
            let message = message.replace("{IDLE}", &stopped).replace("{ID}", &id);
            case.refuses(method, path, "", status, &message)?;
        }
        let exec = paused.replace("{ID}", "box") + " exec";
        case.refuses("POST", "/containers/box/exec", r#"{"Cmd":["true"]}"#, 409, &exec)?;
        // What ends a container wakes it first.
        case.ok("kill -s USR1 box")?;
        until_ok(LIMIT, "the container to wake", || {
            ensure!(state(case)? == "running true false", "{}", state(case)?);
            Ok(())
        })?;
        for end in ["stop -t 1 box", "kill box", "restart -t 1 box", "rm -f box"] {
            case.ok("start box")?;
            case.ok("pause box")?;
            case.ok(end)?;
            if end.starts_with("restart") {
                ensure!(state(case)? == "running true false", "{}", state(case)?);
            } else if !end.starts_with("rm") {
                ensure!(state(case)? == "exited false false", "{}", state(case)?);
            }
        }
        case.ok("rm idle")?;
        Ok(())
    })
}

#[test]
fn a_pause_outlives_the_daemon() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok(COUNTER)?;
        case.ok("pause box")?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        ensure!(state(case)? == "paused true true", "{}", state(case)?);
        case.ok("unpause box")?;
        ensure!(state(case)? == "running true false", "{}", state(case)?);
        goes_on(case)?;
        case.ok("rm -f box")?;
        Ok(())
    })
}
