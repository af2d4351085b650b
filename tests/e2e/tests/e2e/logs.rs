//! `logs`: both streams, tail, since, timestamps, follow; and that nothing is lost.

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both};
use corten_testkit::{Outcome, until};

#[test]
fn logs_shows_what_was_said() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(
            "run --name talk busybox sh -c 'for i in 1 2 3 4 5; do echo out $i; sleep 0.05; done; echo err >&2; printf unfinished'",
        )?;
        let outcome = case.run("logs talk")?.success()?;
        ensure!(
            outcome.stdout == "out 1\nout 2\nout 3\nout 4\nout 5\nunfinished",
            "{outcome}"
        );
        ensure!(outcome.stderr == "err\n", "{outcome}");
        // Two streams have no order between them.
        case.run("logs --tail 0 talk")?.success()?.says("")?;
        let tail = case.run("logs --tail 3 talk")?.success()?;
        ensure!(tail.stdout.lines().count() + tail.stderr.lines().count() == 3, "{tail}");
        let stamped = case.ok("logs -t --tail all talk")?;
        let first = stamped.lines().next().unwrap_or_default();
        ensure!(
            first.len() > 31 && &first[4..5] == "-" && first.ends_with("Z out 1"),
            "{first}"
        );
        let times: Vec<&str> = stamped.lines().filter_map(|line| line.split(' ').next()).collect();
        let third = times.get(2).copied().unwrap_or_default();
        ensure!(
            case.ok(&format!("logs --since {third} talk"))?.starts_with("out 3"),
            "since {third}"
        );
        ensure!(
            case.ok(&format!("logs --until {} talk", times[0]))?
                .starts_with("out 1"),
            "until"
        );
        case.says("logs --since 2100-01-01T00:00:00Z talk", "")?;
        case.ok("rm talk")?;
        case.fails("logs talk", 1, "No such container: talk")?;
        Ok(())
    })
}

#[test]
fn logs_follows_to_the_end() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name talk busybox sh -c 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; sleep 0.3; echo last'")?;
        let outcome = Outcome::of(&mut case.command("logs -f talk")?)?.success()?;
        let want: String = (1..=2000).map(|i| format!("line {i}\n")).collect();
        ensure!(
            outcome.stdout == format!("{want}last\n"),
            "{} bytes",
            outcome.stdout.len()
        );
        case.ok("rm -f talk")?;
        Ok(())
    })
}

#[test]
fn attached_output_is_complete_and_long_lines_stay_whole() -> Result<()> {
    both(&["busybox"], |case| {
        let outcome = case
            .run("run --name talk busybox sh -c 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done'")?
            .success()?;
        let want: String = (1..=5000).map(|i| format!("line {i}\n")).collect();
        ensure!(
            outcome.stdout == want,
            "{} bytes of {}",
            outcome.stdout.len(),
            want.len()
        );
        case.says("logs --tail 1 talk", "line 5000")?;
        case.ok("rm talk")?;
        case.ok("run --name long busybox sh -c 'head -c 100000 /dev/zero | tr \"\\0\" x; echo; echo next'")?;
        let said = case.ok("logs long")?;
        ensure!(said == format!("{}\nnext", "x".repeat(100_000)), "{} bytes", said.len());
        case.ok("rm long")?;
        Ok(())
    })
}

#[test]
fn the_log_driver_none_keeps_nothing() -> Result<()> {
    both(&["busybox"], |case| {
        case.says("run --name quiet --log-driver none busybox echo hi", "hi")?;
        case.fails("logs quiet", 1, "configured logging driver does not support reading")?;
        case.ok("rm quiet")?;
        case.ok("run -d --name loud busybox sh -c 'while :; do echo x; sleep 0.01; done'")?;
        until(LIMIT, "some lines", || {
            case.ok("logs loud").ok().filter(|text| text.lines().count() > 3)
        })?;
        case.ok("rm -f loud")?;
        Ok(())
    })
}
