//! Containers whose programs fork without end, eat memory again and again and do not listen to SIGTERM, at the same time:
//! the daemon and another container work on, and each of them can be looked at, ended and removed.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, both};
use corten_testkit::wait::until_ok;

const PIDS: u64 = 30;

/// What the kernel counts in the bomb's group, by way of `stats`.
fn pids(case: &Case, name: &str) -> Result<u64> {
    let shown = case.ok(&format!("stats --no-stream --format {{{{.PIDs}}}} {name}"))?;
    shown.parse().with_context(|| format!("a number of processes: {shown}"))
}

/// The bystander serves and can be entered.
fn bystander_is_well(case: &Case) -> Result<()> {
    case.says("exec bystander cat /etc/mark", "well")?;
    let page = case.ok("exec bystander wget -q -O - http://127.0.0.1/mark")?;
    ensure!(page == "well", "{page}");
    Ok(())
}

#[test]
fn bombs_and_eaters_hurt_nobody_else() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name bystander busybox sh -c 'echo well > /etc/mark; exec httpd -f -h /etc'")?;
        // A share of the processor each: it is not the machine that is tried here.
        let bomb = r#"BEGIN { while (1) system("sleep 1000 &") }"#;
        case.ok(&format!(
            "run -d --name bomb --cpus 0.2 --pids-limit {PIDS} busybox awk '{bomb}'"
        ))?;
        case.ok("run -d --name eater --cpus 0.2 -m 16m --memory-swap 16m --restart always busybox tail /dev/zero")?;
        case.ok("run -d --name deaf busybox sh -c 'trap \"\" TERM INT HUP; while :; do sleep 0.1; done'")?;
        until_ok(LIMIT, "the eater was killed twice", || {
            let count: u64 = case.ok("inspect -f '{{.RestartCount}}' eater")?.parse()?;
            ensure!(count >= 2, "{count}");
            Ok(())
        })?;
        until_ok(LIMIT, "the bomb fills its group", || {
            let count = pids(case, "bomb")?;
            ensure!(count > PIDS / 2, "{count}");
            Ok(())
        })?;
        for _ in 0..5 {
            bystander_is_well(case)?;
            let count = pids(case, "bomb")?;
            ensure!(count <= PIDS, "{count} processes under a limit of {PIDS}");
            case.ok("top bomb")?;
        }
        // There may be room for it or not; it ends, and that is all that is asked.
        drop(case.run("exec bomb true")?);
        case.says("inspect -f '{{.State.Running}}' bomb", "true")?;
        case.ok("stop -t 1 bomb")?;
        case.ok("stop -t 1 eater")?;
        case.ok("stop -t 1 deaf")?;
        case.says("inspect -f '{{.State.ExitCode}}' bomb deaf", "137\n137")?;
        ensure!(pids(case, "bomb")? == 0, "processes of the bomb outlive it");
        bystander_is_well(case)?;
        case.ok("start bomb eater deaf")?;
        case.ok("rm -f bomb eater deaf")?;
        bystander_is_well(case)?;
        case.ok("rm -f bystander").map(drop)
    })
}
