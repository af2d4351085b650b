//! Other people's firewalls, set up or emptied while the daemon runs.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::Outcome;
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::wait::until_ok;

const SERVER: &str = "run -d --name web -p 8080:80 busybox httpd -f -p 80 -h /etc";

/// From another machine.
fn get(case: &Case) -> Result<()> {
    let url = format!("http://{INSIDE4}:8080/hostname");
    let curl = ["--silent", "--show-error", "--fail", "--max-time", "2", &url];
    Outcome::of(case.daemon.sandbox.outside("curl").args(curl))?
        .success()
        .map(drop)
}

fn logged(case: &Case, text: &str) -> Result<String> {
    let log = case.daemon.log_tail();
    let line = log.lines().rfind(|line| line.contains(text));
    line.map(str::to_owned)
        .with_context(|| format!("{text:?} is not in the log: {log}"))
}

#[test]
fn a_flushed_ruleset_is_noticed_and_written_again() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok(SERVER)?;
        until_ok(LIMIT, "the port from outside", || get(case))?;
        for _ in 0..3 {
            case.script("nft flush ruleset")?.success()?;
            until_ok(LIMIT, "the port after a flush", || get(case))?;
        }
        until_ok(LIMIT, "the word about it", || {
            let line = logged(case, "somebody removed tables of the firewall")?;
            ensure!(line.contains("inet corten") && line.contains("bridge corten"), "{line}");
            Ok(())
        })?;
        case.ok("rm -f web").map(drop)
    })
}

#[test]
fn a_policy_that_comes_later_is_told_with_what_to_do() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok(SERVER)?;
        until_ok(LIMIT, "the port from outside", || get(case))?;
        case.script("iptables -P FORWARD DROP")?.success()?;
        let told = "another firewall keeps packets from containers";
        until_ok(LIMIT, "the word about it", || logged(case, told).map(drop))?;
        ensure!(get(case).is_err(), "the policy drops nothing");
        let advice = logged(case, told)?;
        let commands: Vec<&str> = advice
            .split('`')
            .filter(|part| part.starts_with("iptables -I"))
            .collect();
        ensure!(commands.len() == 2, "{advice}");
        case.script(&commands.join("; "))?.success()?;
        until_ok(LIMIT, "the port after the advice", || get(case))?;
        case.script("nft delete table ip filter")?.success()?;
        case.ok("rm -f web").map(drop)
    })
}
