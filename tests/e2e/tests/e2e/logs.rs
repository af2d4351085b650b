//! `logs`: both streams, tail, since, timestamps, follow; and that nothing is lost.

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both, is_reference, one};
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

/// The numbers behind `line `, which must be a whole piece of the numbers up to `last`.
fn first_of_whole(said: &str, last: u32) -> Result<u32> {
    let numbers: Vec<u32> = said
        .lines()
        .map(|line| line.strip_prefix("line ").unwrap_or(line).parse())
        .collect::<Result<_, _>>()?;
    let first = numbers.first().copied().unwrap_or(last + 1);
    let wrong = numbers.iter().zip(first..).find(|(number, want)| *number != want);
    ensure!(
        wrong.is_none() && numbers.last() == Some(&last),
        "{wrong:?} in {first}..{:?}",
        numbers.last()
    );
    Ok(first)
}

#[test]
fn rotated_logs_are_read_as_one() -> Result<()> {
    both(&["busybox"], |case| {
        let count = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done";
        let options = "--log-opt max-size=50k --log-opt max-file=200";
        case.ok(&format!("create --name talk {options} busybox sh -c '{count}'"))?;
        case.ok("start talk")?;
        let followed = Outcome::of(&mut case.command("logs -f talk")?)?.success()?;
        // The reference engine loses lines where it follows through a rotation.
        let followed = first_of_whole(&followed.stdout, 20_000);
        ensure!(is_reference()? || followed? == 1, "logs -f lost the beginning");
        let all = case.ok("logs talk")?;
        ensure!(first_of_whole(&all, 20_000)? == 1, "logs lost the beginning");
        for tail in [1, 700, 5000, 19_999] {
            let first = first_of_whole(&case.ok(&format!("logs --tail {tail} talk"))?, 20_000)?;
            ensure!(first == 20_001 - tail, "--tail {tail} begins with {first}");
        }
        let stamped = case.ok("logs -t talk")?;
        let stamps: Vec<&str> = stamped.lines().filter_map(|line| line.split(' ').next()).collect();
        ensure!(stamps.is_sorted(), "the times are not in order");
        for middle in [2_000, 11_000, 19_000] {
            let since = first_of_whole(&case.ok(&format!("logs --since {} talk", stamps[middle]))?, 20_000)?;
            let want = stamps.partition_point(|stamp| *stamp < stamps[middle]) + 1;
            ensure!(since as usize == want, "--since {}: {since} for {want}", stamps[middle]);
            let until = case.ok(&format!("logs --until {} talk", stamps[middle]))?;
            let want = stamps.partition_point(|stamp| *stamp <= stamps[middle]);
            ensure!(until.lines().count() == want, "--until {}: {want}", stamps[middle]);
        }
        case.ok("rm talk")?;
        Ok(())
    })
}

#[test]
fn rotation_keeps_no_more_than_it_may() -> Result<()> {
    both(&["busybox"], |case| {
        for files in [1, 3] {
            let options = format!("--log-opt max-size=10k --log-opt max-file={files}");
            case.ok(&format!(
                "run -d --name talk {options} busybox sh -c 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done'"
            ))?;
            case.ok("wait talk")?;
            let path = case.inspect("talk")?["LogPath"].as_str().unwrap_or_default().to_owned();
            let sizes = case.script(&format!("stat -c %s {path}*"))?.success()?;
            let sizes: Vec<u64> = sizes.text().lines().map(str::parse).collect::<Result<_, _>>()?;
            ensure!(
                sizes.len() == files && sizes.iter().all(|size| *size < 12_000),
                "{files} files at most: {sizes:?}"
            );
            let first = first_of_whole(&case.ok("logs talk")?, 5000)?;
            ensure!(first > 4000 && first < 5000, "{first} is the first that is kept");
            case.ok("rm talk")?;
        }
        case.fails(
            "run --rm --log-opt max-file=0 busybox",
            125,
            "max-file cannot be less than 1",
        )?;
        case.ok("create --name talk --log-opt compress=false --log-opt mode=blocking busybox")?;
        case.ok("rm talk")?;
        Ok(())
    })
}

#[test]
fn every_form_of_a_time_and_every_state() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create --name never busybox true")?;
        for line in ["logs never", "logs -f never", "logs --tail 3 --details never"] {
            case.run(line)?.success()?.says("")?;
        }
        case.fails(
            "logs --since foo never",
            1,
            "invalid value for \"since\": failed to parse value as time or duration: \"foo\"",
        )?;
        case.ok("rm never")?;
        case.ok("run --name talk busybox sh -c 'echo one; sleep 1.1; echo two'")?;
        let stamped = case.ok("logs -t talk")?;
        let second = stamped.lines().nth(1).unwrap_or_default().to_owned();
        let second = second.split(' ').next().unwrap_or_default();
        let script = format!("date -d {second} +%s.%N");
        let unix = case.script(&script)?.success()?.text().to_owned();
        for since in [second, &unix] {
            case.says(&format!("logs --since {since} talk"), "two")?;
        }
        case.says("logs --since 10m talk", "one\ntwo")?;
        case.says("logs --until 10m talk", "")?;
        case.says("logs --until 2000-01-01 talk", "")?;
        case.says("logs --since 2000-01-01T00:00:00 --until 2100-01-01 talk", "one\ntwo")?;
        case.says("logs --since 0 --until 0 talk", "one\ntwo")?;
        case.says("logs --tail 0 talk", "")?;
        case.says("logs -f --tail 1 talk", "two")?;
        case.says("logs --tail nonsense talk", "one\ntwo")?;
        case.ok("rm talk")?;
        // What is asked for until a time is over when the container goes on, too.
        case.ok("run -d --name loud busybox sh -c 'while :; do echo x; sleep 0.05; done'")?;
        let until = case.script("date -d '+1 second' +%s.%N")?.success()?.text().to_owned();
        let said = case.ok(&format!("logs -f --until {until} loud"))?;
        ensure!(
            said.lines().all(|line| line == "x") && said.lines().count() > 3,
            "{said}"
        );
        case.ok("rm -f loud")?;
        Ok(())
    })
}

/// Counts lines on both streams, without end.
const COUNTS: &str = "i=0; while :; do i=$((i+1)); echo $i; echo $i >&2; usleep 20000; done";

#[test]
fn followers_go_on_over_restarts_of_the_daemon() -> Result<()> {
    // Docker's client ends when its connection breaks.
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.daemon
            .docker(&["run", "-d", "--name", "talk", "busybox", "sh", "-c", COUNTS])?
            .success()?;
        case.daemon
            .docker(&["run", "-dt", "--name", "screen", "busybox", "sh", "-c", COUNTS])?
            .success()?;
        let mut followers = Vec::new();
        for arguments in [
            &["logs", "-f", "talk"][..],
            &["logs", "-ft", "talk"],
            &["logs", "-f", "screen"],
        ] {
            let mut command = case.daemon.corten_command(arguments)?;
            followers.push(std::thread::spawn(move || Outcome::of(&mut command)));
        }
        let mut events = case.daemon.corten_command(&["events", "--filter", "event=exec_die"])?;
        let events = events.stdout(std::process::Stdio::piped()).spawn()?;
        let mut ran = 0;
        let mut says = |case: &mut corten_e2e::Case| -> Result<()> {
            ran += 1;
            until(LIMIT, "a line after each restart", || {
                let last = case.daemon.docker(&["logs", "--tail", "1", "talk"]).ok()?;
                last.success().ok().filter(|last| !last.stdout.is_empty())
            })?;
            case.daemon.docker(&["exec", "talk", "true"])?.success()?;
            Ok(())
        };
        says(case)?;
        case.daemon.stop()?;
        case.daemon.launch()?;
        says(case)?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        says(case)?;
        case.daemon.docker(&["kill", "talk", "screen"])?.success()?;
        for (follower, arguments) in
            followers
                .into_iter()
                .zip([&["logs", "talk"][..], &["logs", "-t", "talk"], &["logs", "screen"]])
        {
            let followed = follower.join().expect("the reader does not panic")?.success()?;
            let whole = case.daemon.docker(arguments)?.success()?;
            ensure!(
                followed.stdout == whole.stdout && followed.stderr == whole.stderr,
                "{arguments:?}: {} of {} lines",
                followed.stdout.lines().count(),
                whole.stdout.lines().count()
            );
        }
        corten_testkit::daemon::signal(case.daemon.sandbox.program_pid(&events)?, rustix::process::Signal::INT)?;
        let told = events.wait_with_output()?.stdout;
        let told = String::from_utf8_lossy(&told).lines().count();
        ensure!(told == ran, "{told} events of {ran}");
        case.ok("rm talk screen")?;
        Ok(())
    })
}
