//! Attaching over the API and with the client: both hijacks, half-close, frames, several clients,
//! clients that vanish.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, both, one};
use corten_testkit::{http, until};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

fn attach(case: &Case, name: &str, query: &str, headers: &str) -> Result<(String, std::os::unix::net::UnixStream)> {
    let path = format!("/v1.51/containers/{name}/attach?{query}");
    let mut stream = http::send(&case.daemon.socket_outside(), "POST", &path, "", headers)?;
    let head = http::read_head(&mut stream)?;
    Ok((head, stream))
}

#[test]
fn both_hijacks_half_close_and_frames() -> Result<()> {
    one(&["busybox"], |case| {
        for (headers, want) in [(UPGRADE, "HTTP/1.1 101 UPGRADED"), ("", "HTTP/1.1 200 OK")] {
            case.ok("create -i --name box busybox sh -c 'cat; echo end >&2'")?;
            let (head, mut stream) = attach(case, "box", "stream=1&stdin=1&stdout=1&stderr=1", headers)?;
            ensure!(head.starts_with(want), "{head}");
            let kind = if headers.is_empty() { "raw" } else { "multiplexed" };
            ensure!(
                head.contains(&format!("Content-Type: application/vnd.docker.{kind}-stream")),
                "{head}"
            );
            case.ok("start box")?;
            stream.write_all(b"typed")?;
            stream.shutdown(Shutdown::Write)?;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes)?;
            let (out, err) = http::unframe(&bytes)?;
            ensure!(
                out == b"typed" && err == b"end\n",
                "{}",
                String::from_utf8_lossy(&bytes)
            );
            case.ok("wait box")?;
            case.ok("rm box")?;
        }
        Ok(())
    })
}

#[test]
fn several_clients_see_the_same() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name box busybox sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done'")?;
        let query = "stream=1&stdout=1&stderr=1";
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(attach(case, "box", query, UPGRADE)?.1);
        }
        case.ok("start box")?;
        let readers: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                std::thread::spawn(move || {
                    let mut bytes = Vec::new();
                    stream.read_to_end(&mut bytes).map(|_| bytes)
                })
            })
            .collect();
        let want: String = (1..=3000).map(|i| format!("{i}\n")).collect();
        for reader in readers {
            let bytes = reader.join().expect("the reader does not panic")?;
            ensure!(http::unframe(&bytes)?.0 == want.as_bytes(), "{} bytes", bytes.len());
        }
        case.ok("rm box")?;
        Ok(())
    })
}

/// Whoever watched it can ask how a container ended that is removed at its end, and nobody finds it later.
#[test]
fn an_end_can_be_asked_for_before_the_removal() -> Result<()> {
    one(&["busybox"], |case| {
        for _ in 0..5 {
            case.ok("create --rm --name box busybox sh -c 'echo seen; exit 7'")?;
            let (_, mut stream) = attach(case, "box", "stream=1&stdout=1", UPGRADE)?;
            let ask = |method, what: &str| {
                let path = format!("/v1.51/containers/box/{what}");
                http::request(&case.daemon.socket_outside(), method, &path, "")
            };
            ensure!(ask("POST", "start")?.status == 204, "the start");
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes)?;
            let answer = ask("GET", "json")?;
            let text = String::from_utf8_lossy(&answer.body);
            ensure!(
                answer.status == 200 && text.contains("\"ExitCode\":7"),
                "{} {text}",
                answer.status
            );
            until(LIMIT, "the removal", || case.ok("inspect box").is_err().then_some(()))?;
        }
        Ok(())
    })
}

#[test]
fn a_client_that_vanishes_or_stalls_hurts_nobody() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(
            "create -i --name box busybox sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; sleep 1000'",
        )?;
        let query = "stream=1&stdin=1&stdout=1&stderr=1";
        let (_, vanishing) = attach(case, "box", query, UPGRADE)?;
        case.ok("start box")?;
        drop(vanishing);
        let complete = || case.ok("logs --tail 1 box").is_ok_and(|last| last == "3000");
        until(LIMIT, "the last line", || complete().then_some(()))?;
        case.says("inspect -f '{{.State.Running}}' box", "true")?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn attach_replays_logs_and_is_refused_where_it_must() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run --name box busybox echo before")?;
        let path = "/v1.51/containers/box/attach?logs=1&stdout=1&stderr=1";
        let mut stream = http::send(&case.daemon.socket_outside(), "POST", path, "", UPGRADE)?;
        ensure!(
            http::read_head(&mut stream)?.starts_with("HTTP/1.1 101"),
            "logs without stream"
        );
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        ensure!(
            http::unframe(&bytes)?.0 == b"before\n",
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        let answer = http::request(
            &case.daemon.socket_outside(),
            "POST",
            "/v1.51/containers/nosuch/attach?stream=1&stdout=1",
            "",
        )?;
        ensure!(answer.status == 404, "{}", answer.head);
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn start_attached_and_attach_return_the_code() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create -i --name box busybox sh -c 'read line; echo got $line; exit 8'")?;
        let outcome = case.run_with_input("start -a -i box", b"words\n")?;
        ensure!(outcome.code == 8 && outcome.stdout == "got words\n", "{outcome}");
        case.ok("rm box")?;
        case.ok("run -d -i --name box busybox sh -c 'read line; echo got $line; exit 9'")?;
        let outcome = case.run_with_input("attach box", b"more\n")?;
        ensure!(outcome.code == 9, "{outcome}");
        // Where standard input may be attached again, its end also ends this client's output.
        case.says("logs box", "got more")?;
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn signals_are_passed_on() -> Result<()> {
    both(&["busybox"], |case| {
        let mut command = case.command("run --name box busybox sh -c 'trap \"echo caught; exit 11\" TERM; echo ready; while :; do sleep 0.05; done'")?;
        let child = command.stdout(std::process::Stdio::piped()).spawn()?;
        until(LIMIT, "the program", || {
            case.ok("logs box").ok().filter(|said| said == "ready")
        })?;
        let pid = case.daemon.sandbox.program_pid(&child)?;
        corten_testkit::daemon::signal(pid, rustix::process::Signal::TERM)?;
        let output = child.wait_with_output()?;
        ensure!(output.status.code() == Some(11), "{:?}", output.status);
        ensure!(
            output.stdout == b"ready\ncaught\n",
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        case.ok("rm box")?;
        Ok(())
    })
}
