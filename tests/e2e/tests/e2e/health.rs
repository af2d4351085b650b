//! Health checks: what they say, how `ps`, `inspect` and events tell it, and that they outlive the daemon.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::wait::until_ok;
use serde_json::Value;

fn health(case: &Case, name: &str) -> Result<Value> {
    Ok(case.inspect(name)?["State"]["Health"].clone())
}

fn becomes(case: &Case, name: &str, status: &str) -> Result<()> {
    until_ok(LIMIT, status, || {
        let health = health(case, name)?;
        ensure!(health["Status"] == status, "{health}");
        Ok(())
    })
}

fn shown(case: &Case) -> Result<String> {
    case.ok("ps -a --format '{{.Status}}' --filter name=box")
}

#[test]
fn a_container_becomes_healthy_and_unhealthy() -> Result<()> {
    one(&["busybox"], |case| {
        let since = case.script("date +%s")?.success()?.text().to_owned();
        case.ok(
            "run -d --name box --health-cmd 'echo tried; test -e /good' --health-interval 200ms --health-retries 2 \
             busybox sleep 1000",
        )?;
        case.ok("run -d --name plain busybox sleep 1000")?;
        ensure!(health(case, "plain")?.is_null(), "{}", health(case, "plain")?);
        becomes(case, "box", "unhealthy")?;
        ensure!(shown(case)?.ends_with("(unhealthy)"), "{}", shown(case)?);
        case.ok("exec box touch /good")?;
        becomes(case, "box", "healthy")?;
        ensure!(shown(case)?.ends_with("(healthy)"), "{}", shown(case)?);
        case.says("ps --filter health=healthy --format '{{.Names}}'", "box")?;
        case.says("ps --filter health=none --format '{{.Names}}'", "plain")?;
        until_ok(LIMIT, "five results", || {
            let health = health(case, "box")?;
            let log = health["Log"].as_array().cloned().unwrap_or_default();
            ensure!(
                log.len() == 5 && log[4]["ExitCode"] == 0 && log[4]["Output"] == "tried\n",
                "{health}"
            );
            Ok(())
        })?;
        case.ok("exec box rm /good")?;
        becomes(case, "box", "unhealthy")?;
        case.ok("stop -t 0 box")?;
        ensure!(
            health(case, "box")?["Status"] == "unhealthy",
            "{}",
            health(case, "box")?
        );
        ensure!(shown(case)?.starts_with("Exited"), "{}", shown(case)?);
        case.ok("start box")?;
        let health = health(case, "box")?;
        ensure!(
            health["Status"] == "starting" && health["FailingStreak"] == 0,
            "{health}"
        );
        let events = case.ok(&format!(
            "events --since {since} --until 0s --filter event=health_status --format '{{{{.Action}}}}'"
        ))?;
        if is_reference()? {
            ensure!(
                events.contains("health_status: healthy\nhealth_status: unhealthy"),
                "{events}"
            );
        }
        case.ok("rm -f box plain")?;
        Ok(())
    })
}

/// What nobody looked after may have changed: `starting`, until the new daemon has looked (observed: dockerd 28.5 with live
/// restore). The results before are still told.
#[test]
fn a_new_daemon_looks_itself() -> Result<()> {
    one(&["busybox"], |case| {
        if is_reference()? {
            return Ok(());
        }
        case.ok("run -d --name box --health-cmd 'test ! -e /bad' --health-interval 200ms --health-retries 1 busybox sleep 1000")?;
        case.ok(
            "run -d --name early --health-cmd 'test ! -e /bad' --health-interval 200ms --health-retries 1 \
             --health-start-period 1h --health-start-interval 200ms busybox sleep 1000",
        )?;
        case.ok("run -d --name slow --health-cmd true --health-interval 3s busybox sleep 1000")?;
        for name in ["box", "early", "slow"] {
            becomes(case, name, "healthy")?;
        }
        case.daemon.kill()?;
        case.daemon.launch()?;
        let slow = health(case, "slow")?;
        ensure!(slow["Status"] == "starting" && slow["FailingStreak"] == 0, "{slow}");
        ensure!(slow["Log"].as_array().is_some_and(|log| !log.is_empty()), "{slow}");
        for name in ["box", "early", "slow"] {
            becomes(case, name, "healthy")?;
        }
        case.ok("exec box touch /bad")?;
        becomes(case, "box", "unhealthy")?;
        // A check that has been good once has no start period any more, not even a long one; a new daemon's has.
        case.ok("exec early touch /bad")?;
        becomes(case, "early", "unhealthy")?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        let early = health(case, "early")?;
        ensure!(early["Status"] == "starting", "{early}");
        until_ok(LIMIT, "a failure that does not count", || {
            let now = health(case, "early")?;
            ensure!(now["Log"] != early["Log"], "{now}");
            ensure!(now["Status"] == "starting" && now["FailingStreak"] == 0, "{now}");
            Ok(())
        })?;
        case.ok("exec early rm /bad")?;
        becomes(case, "early", "healthy")?;
        case.ok("rm -f box early slow")?;
        Ok(())
    })
}

#[test]
fn a_check_that_takes_too_long_fails() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(
            "run -d --name box --health-cmd 'sleep 1000' --health-interval 100ms --health-timeout 1s --health-retries 1 \
             busybox sleep 1000",
        )?;
        becomes(case, "box", "unhealthy")?;
        let health = health(case, "box")?;
        let first = &health["Log"][0];
        ensure!(
            first["ExitCode"] == -1 && first["Output"] == "Health check exceeded timeout (1s)",
            "{health}"
        );
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn failures_while_it_starts_do_not_count() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(
            "run -d --name box --health-cmd 'exit 1' --health-interval 200ms --health-retries 1 --health-start-period 3s \
             --health-start-interval 200ms busybox sleep 1000",
        )?;
        until_ok(LIMIT, "two failures", || {
            let health = health(case, "box")?;
            ensure!(health["Log"].as_array().is_some_and(|log| log.len() >= 2), "{health}");
            Ok(())
        })?;
        let early = health(case, "box")?;
        ensure!(early["Status"] == "starting" && early["FailingStreak"] == 0, "{early}");
        becomes(case, "box", "unhealthy")?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn long_output_is_cut() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(
            "run -d --name box --health-cmd 'head -c 5000 /dev/zero | tr \"\\0\" x' --health-interval 100ms busybox \
             sleep 1000",
        )?;
        becomes(case, "box", "healthy")?;
        let health = health(case, "box")?;
        let output = health["Log"][0]["Output"].as_str().unwrap_or_default();
        ensure!(
            output.len() == 4099 && output.ends_with("x..."),
            "{} bytes",
            output.len()
        );
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn checks_that_make_no_sense() -> Result<()> {
    one(&["busybox"], |case| {
        for (check, message) in [
            (r#""Interval":5"#, "Interval in Healthcheck cannot be less than 1ms"),
            (r#""Timeout":5"#, "Timeout in Healthcheck cannot be less than 1ms"),
            (r#""Retries":-1"#, "Retries in Healthcheck cannot be negative"),
            (
                r#""StartPeriod":5"#,
                "StartPeriod in Healthcheck cannot be less than 1ms",
            ),
            (
                r#""StartInterval":5"#,
                "StartInterval in Healthcheck cannot be less than 1ms",
            ),
        ] {
            let body = format!(r#"{{"Image":"busybox","Healthcheck":{{"Test":["CMD","x"],{check}}}}}"#);
            case.refuses("POST", "/v1.51/containers/create", &body, 400, message)?;
        }
        case.ok("run -d --name box --no-healthcheck busybox sleep 1000")?;
        ensure!(health(case, "box")?.is_null(), "{}", health(case, "box")?);
        case.ok("rm -f box")?;
        Ok(())
    })
}
