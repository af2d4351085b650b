//! Containers that print without pause, are removed under their clients, or have no disk left for their log; and
//! clients that do not read: the daemon and the other containers do not mind.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, both, is_reference, on_daemon, one};
use corten_testkit::wait::{until_ok, until_true};
use corten_testkit::{DaemonOptions, Outcome, skip};

/// Proportional set size of a process in KiB.
fn pss_kib(pid: u32) -> Result<u64> {
    kib(pid, "Pss:")
}

/// A line of a process's `smaps_rollup` (proc_pid_smaps_rollup(5)), in KiB.
fn kib(pid: u32, name: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).context(path)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .with_context(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A client that is started and whose output nobody reads.
fn unread(case: &Case, line: &str) -> Result<Child> {
    let mut command = case.command(line)?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command.spawn()?)
}

fn ended(mut child: Child, limit: Duration) -> Result<()> {
    // Read, so that it is not its own full pipe that it waits for.
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read = |stream: Option<&mut dyn std::io::Read>| {
        if let Some(stream) = stream {
            drop(std::io::copy(stream, &mut std::io::sink()));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| read(out.as_mut().map(|out| out as &mut dyn std::io::Read)));
        scope.spawn(|| read(err.as_mut().map(|err| err as &mut dyn std::io::Read)));
        let over = until_true(limit, "the client ends", || {
            child.try_wait().is_ok_and(|status| status.is_some())
        });
        if over.is_err() {
            drop(child.kill());
            drop(child.wait());
        }
        over
    })
}

#[test]
fn a_container_is_removed_under_ten_clients_of_each_kind() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name bystander busybox sleep 1000")?;
        case.ok("run -di --name loud busybox sh -c 'while :; do echo line; echo line >&2; done'")?;
        let mut clients = Vec::new();
        for _ in 0..10 {
            for line in [
                "attach --no-stdin loud",
                "exec loud sh -c 'while :; do echo x; done'",
                "wait loud",
                "logs -f --tail 5 loud",
            ] {
                clients.push(unread(case, line)?);
            }
        }
        until_ok(LIMIT, "the sessions run", || {
            let top = case.ok("top loud")?;
            ensure!(top.lines().count() >= 12, "{top}");
            Ok(())
        })?;
        case.ok("rm -f loud")?;
        for client in clients {
            ended(client, LIMIT)?;
        }
        case.fails("inspect loud", 1, "loud")?;
        case.says("exec bystander echo fine", "fine")?;
        case.ok("rm -f bystander")?;
        Ok(())
    })
}

/// Containers print as fast as they can, with rotation, compression and clients that do not read: the daemon does not
/// grow with what is printed.
#[test]
fn the_daemon_does_not_grow_with_logs_or_slow_clients() -> Result<()> {
    if is_reference()? {
        skip::skip("the_daemon_does_not_grow_with_logs_or_slow_clients", "measures Corten");
        return Ok(());
    }
    one(&["busybox"], |case| {
        // Six lots of 2 MB, each when it is asked for.
        let chatter =
            "busybox sh -c 'while read x; do yes a line that is printed again | head -n 80000; echo end $x; done'";
        let mut slow = Vec::new();
        let mut inputs = Vec::new();
        for number in 0..4 {
            let options = "--log-opt max-size=2m --log-opt max-file=3 --log-opt compress=true";
            case.ok(&format!("create -i --name loud{number} {options} {chatter}"))?;
            let mut client = case.command(&format!("start -i loud{number}"))?;
            client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut client = client.spawn()?;
            inputs.push(client.stdin.take().context("a pipe")?);
            slow.push(client);
        }
        let mut lot = |name: u32| -> Result<()> {
            for (number, input) in inputs.iter_mut().enumerate() {
                std::io::Write::write_all(input, format!("{name}\n").as_bytes())?;
                until_ok(LIMIT, "a lot is printed", || {
                    let said = case.ok(&format!("logs --tail 1 loud{number}"))?;
                    ensure!(said == format!("end {name}"), "{said}");
                    Ok(())
                })?;
            }
            Ok(())
        };
        lot(0)?;
        for number in 0..4 {
            // Each takes what its pipe holds, and then nothing.
            slow.push(unread(case, &format!("logs -f loud{number}"))?);
            slow.push(unread(case, &format!("logs loud{number}"))?);
        }
        lot(1)?;
        let pid = case.daemon.pid()?;
        let before = pss_kib(pid)?;
        (2..6).try_for_each(&mut lot)?;
        let after = pss_kib(pid)?;
        println!("PSS {before} KiB after 50 MB of log with eight readers that stand still, {after} KiB after 150 MB");
        // The allocator keeps what threads that ran at the same time have used: as much as a loaded machine lets run.
        ensure!(
            after < before + 24 * 1024,
            "{before} KiB have become {after} with 100 MB more of log"
        );
        drop(inputs);
        for client in slow {
            ended(client, LIMIT)?;
        }
        for number in 0..4 {
            case.ok(&format!("rm loud{number}"))?;
        }
        Ok(())
    })
}

/// Clients that follow a log and never read anything: each costs the daemon a few pieces, whatever is printed.
#[test]
fn a_client_of_logs_that_never_reads_costs_little() -> Result<()> {
    const CLIENTS: u64 = 40;
    const LIMIT_KIB: u64 = 200;
    if is_reference()? {
        skip::skip("a_client_of_logs_that_never_reads_costs_little", "measures Corten");
        return Ok(());
    }
    one(&["busybox"], |case| {
        let line = "a line that is printed again and again and again";
        case.ok(&format!("run --name loud busybox sh -c 'yes {line} | head -n 200000'"))?;
        // What the first client has mapped is not counted.
        case.ok("logs loud")?;
        let pid = case.daemon.pid()?;
        let before = kib(pid, "Pss_Anon:")?;
        let mut deaf = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = UnixStream::connect(case.daemon.socket_outside())?;
            let question = "GET /v1.47/containers/loud/logs?follow=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: d\r\n\r\n";
            std::io::Write::write_all(&mut client, question.as_bytes())?;
            deaf.push(client);
        }
        until_ok(LIMIT, "all are served", || {
            // Each has its connection and its look at the log's directory.
            let open = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
            ensure!(open > 2 * CLIENTS, "{open} descriptors");
            Ok(())
        })?;
        let mut most = 0;
        // The daemon fills what it will fill while others are served.
        for _ in 0..20 {
            case.ok("logs --tail 1 loud")?;
            most = most.max(kib(pid, "Pss_Anon:")?);
        }
        ensure!(
            most < before + CLIENTS * LIMIT_KIB,
            "{before} KiB have become {most} with {CLIENTS} clients"
        );
        drop(deaf);
        case.ok("rm loud").map(drop)
    })
}

/// The data directory is a small file system of its own, and full: the container runs on, the daemon answers, and the log
/// goes on when there is room, with a note about what is missing.
#[test]
fn a_full_disk_costs_lines_of_the_log_only() -> Result<()> {
    if is_reference()? {
        skip::skip(
            "a_full_disk_costs_lines_of_the_log_only",
            "the reference engine needs more room",
        );
        return Ok(());
    }
    on_daemon(DaemonOptions::default(), &["busybox"], |case| {
        let prepared = "run -di --name talk --log-opt max-size=100m busybox sh -c 'while read x; do yes $x | head -n 200000; done'";
        case.ok(&prepared.replace("run -di", "create -i"))?;
        let id = case.inspect("talk")?["Id"].as_str().unwrap_or_default().to_owned();
        let directory = case.daemon.data_directory().join("containers").join(id);
        // Only the container's own directory is full; its files move into it.
        let place = directory.display();
        case.script(&format!(
            "cp -a {place} {place}.aside && mount -t tmpfs -o size=1m,mode=0710 full {place} && cp -a {place}.aside/. {place} && rm -r {place}.aside"
        ))?
        .success()?;
        case.ok("start talk")?;
        let mut client = case.command("attach talk")?;
        client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut client = client.spawn()?;
        let mut input = client.stdin.take().context("a pipe")?;
        std::io::Write::write_all(&mut input, b"many\n")?;
        let mut output = std::io::BufReader::new(client.stdout.take().context("a pipe")?);
        let mut line = String::new();
        for _ in 0..200_000 {
            line.clear();
            std::io::BufRead::read_line(&mut output, &mut line)?;
        }
        ensure!(line == "many\n", "the attached client reads on: {line:?}");
        case.says("inspect -f {{.State.Running}} talk", "true")?;
        ensure!(case.ok("logs --tail 1 talk")?.contains("many"), "the log is read");
        case.script(&format!("mount -o remount,size=200m {place}"))?.success()?;
        std::io::Write::write_all(&mut input, b"again\n")?;
        until_ok(LIMIT, "the log goes on", || {
            let log = case.ok("logs --tail 1 talk")?;
            ensure!(log == "again", "{log}");
            Ok(())
        })?;
        let all = case.run("logs talk")?.success()?;
        ensure!(
            all.stderr.contains("bytes of the log were lost, the disk took no more"),
            "no note: {}",
            all.stderr
        );
        drop(input);
        drop(output);
        drop(client.kill());
        drop(client.wait());
        case.ok("kill talk")?;
        case.ok("wait talk")?;
        // The keeper tells of the end before its own, and holds the log until then.
        until_ok(LIMIT, "nobody uses the directory", || {
            case.script(&format!("umount {place}"))?.success()
        })?;
        case.ok("rm talk")?;
        Ok(())
    })
}

/// A container that prints without pause, and a client that reads slowly: it gets every line (back-pressure).
#[test]
fn a_slow_client_gets_every_line() -> Result<()> {
    both(&["busybox"], |case| {
        let script = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo line $i; done";
        let mut command = case.command(&format!("run --rm busybox sh -c '{script}'"))?;
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''")))
            .collect();
        // Reads the first line, waits, and reads on.
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("{} | {{ head -n 1; sleep 1; cat; }}", words.join(" ")));
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(key, value),
                None => shell.env_remove(key),
            };
        }
        command = shell;
        let said = Outcome::of(&mut command)?.success()?;
        let last = said.stdout.lines().last().map(str::to_owned);
        ensure!(last.as_deref() == Some("line 30000"), "{last:?}");
        Ok(())
    })
}
