//! `kill -9` of the daemon at every effect boundary of every operation, and at random moments under
//! load: nothing running dies, nothing is half there, nothing is lost.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use corten_e2e::{Case, Client, LIMIT, is_reference, one};
use corten_testkit::wait::until_ok;
use corten_testkit::{Terminal, http, programs};

/// More boundaries than any operation has: the loop ends at the first run that passes unkilled.
const MOST_BOUNDARIES: u32 = 400;

/// An operation that is interrupted everywhere.
pub(super) struct Operation {
    /// Done before with a daemon that lives: `{N}` stands for the round.
    pub(super) prepare: &'static [&'static str],
    /// What is interrupted.
    pub(super) line: &'static str,
    /// Must work afterwards, in this order, whatever the interruption left.
    pub(super) afterwards: fn(&Case) -> Result<()>,
}

/// Runs `operation` again and again with a daemon that kills itself at boundary 1, 2, 3, ... until
/// one run passes unkilled. After each kill a new daemon starts, and the state must be right.
pub(super) fn interrupt_everywhere(images: &[&str], operation: &Operation) -> Result<()> {
    interrupt_everywhere_by(Client::Docker, images, operation)
}

/// The same by a client of one's choice: there are commands that only Corten's has.
pub(super) fn interrupt_everywhere_by(client: Client, images: &[&str], operation: &Operation) -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(images, |case| {
        case.client = client;
        let mut boundaries = Vec::new();
        for number in 1..MOST_BOUNDARIES {
            for line in operation.prepare {
                case.ok(line).with_context(|| format!("prepare boundary {number}"))?;
            }
            let fault = case.daemon.fault_file();
            std::fs::write(&fault, number.to_string())?;
            let outcome = case.run(operation.line)?;
            // The hook removes the file when it strikes.
            drop(std::fs::remove_file(&fault));
            let boundary = read_hit(case)?;
            if let Some(boundary) = &boundary {
                boundaries.push(boundary.clone());
                until_ok(LIMIT, "the daemon's end at its boundary", || {
                    ensure!(case.daemon.has_ended()?, "it still runs");
                    Ok(())
                })?;
                case.daemon
                    .launch()
                    .with_context(|| format!("a new daemon after {boundary}"))?;
            } else {
                ensure!(outcome.code == 0, "nothing was killed, and yet: {outcome}");
            }
            let what = boundary.clone().unwrap_or_else(|| "no boundary".into());
            (operation.afterwards)(case).with_context(|| format!("after a kill at {what} (number {number})"))?;
            case.daemon
                .leaves_nothing()
                .with_context(|| format!("after a kill at {what} (number {number})"))?;
            if boundary.is_none() {
                ensure!(boundaries.len() > 1, "only {boundaries:?} were passed");
                eprintln!(
                    "{}: {} boundaries: {}",
                    operation.line,
                    boundaries.len(),
                    boundaries.join(" ")
                );
                return Ok(());
            }
        }
        bail!("no end of boundaries")
    })
}

/// The name of the boundary at which the daemon killed itself, if it did.
fn read_hit(case: &Case) -> Result<Option<String>> {
    let fault = case.daemon.fault_file();
    let mut hit = fault.clone().into_os_string();
    hit.push(".hit");
    match std::fs::read_to_string(&hit) {
        Ok(name) => {
            std::fs::remove_file(&hit)?;
            Ok(Some(name.trim().to_owned()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes the container if there is one: it must then be whole enough to be inspected and removed.
pub(super) fn remove_if_there(case: &Case) -> Result<()> {
    if !case.ok("ps -aq")?.is_empty() {
        case.inspect("box")?;
        case.ok("rm -f -v box")?;
    }
    case.says("ps -aq", "")
}

#[test]
fn create() -> Result<()> {
    interrupt_everywhere(
        &["redis"],
        &Operation {
            prepare: &[],
            line: "create --name box -p 8080:80 -v /tmp:/bound redis",
            afterwards: |case| {
                if !case.ok("ps -aq")?.is_empty() {
                    case.ok("start box")?;
                    case.says("inspect -f '{{.State.Running}}' box", "true")?;
                }
                remove_if_there(case)?;
                // The name, the port and the volume are free again.
                case.ok("run -d --name box -p 8080:80 redis")?;
                case.ok("rm -f -v box").map(drop)
            },
        },
    )
}

#[test]
fn start() -> Result<()> {
    interrupt_everywhere(
        &["redis", "busybox"],
        &Operation {
            prepare: &["create --name box -p 8080:80 -v /data --ipc shareable busybox httpd -f -h /etc"],
            line: "start box",
            afterwards: |case| {
                let running = case.ok("inspect -f '{{.State.Running}}' box")?;
                if running != "true" {
                    case.ok("start box")?;
                }
                until_ok(LIMIT, "the server on its port", || {
                    case.script("curl -s --max-time 5 http://127.0.0.1:8080/hostname")?
                        .success()
                })?;
                case.ok("exec box true")?;
                remove_if_there(case)
            },
        },
    )
}

#[test]
fn stop() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[
                "run -d --name box -p 8080:80 busybox sh -c 'trap \"exit 9\" TERM; while :; do sleep 0.05; done'",
            ],
            line: "stop box",
            afterwards: |case| {
                case.ok("stop box")?;
                until_ok(LIMIT, "the exit in inspect", || {
                    case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' box", "exited 9")
                })?;
                ensure!(
                    case.inspect("box")?["State"]["FinishedAt"] != "0001-01-01T00:00:00Z",
                    "no time of the exit"
                );
                remove_if_there(case)
            },
        },
    )
}

#[test]
fn exec() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &["run -d --name box busybox sleep 1000"],
            line: "exec box true",
            afterwards: |case| {
                case.says("inspect -f '{{.State.Running}}' box", "true")?;
                case.says("exec box echo again", "again")?;
                remove_if_there(case)
            },
        },
    )
}

#[test]
fn remove() -> Result<()> {
    interrupt_everywhere(
        &["redis", "busybox"],
        &Operation {
            prepare: &["run -d --name box -p 8080:80 --ipc shareable redis"],
            line: "rm -f -v box",
            afterwards: |case| {
                remove_if_there(case)?;
                case.ok("run --rm --name box -p 8080:80 busybox true").map(drop)
            },
        },
    )
}

#[test]
fn run_and_remove() -> Result<()> {
    interrupt_everywhere(
        &["busybox"],
        &Operation {
            prepare: &[],
            line: "run -d --rm --name box -p 8080:80 -v /data busybox sleep 1000",
            afterwards: |case| {
                if !case.ok("ps -aq")?.is_empty() {
                    case.ok("rm -f -v box")?;
                }
                case.says("ps -aq", "")
            },
        },
    )
    .and_then(|()| {
        interrupt_everywhere(
            &["busybox"],
            &Operation {
                prepare: &["run -d --rm --name box -p 8080:80 -v /data busybox sleep 1000"],
                line: "kill box",
                afterwards: |case| {
                    // The kill may have come before or after the signal.
                    if !case.ok("ps -q")?.is_empty() {
                        case.run("kill box")?;
                    }
                    until_ok(LIMIT, "the removal", || case.says("ps -aq", ""))
                },
            },
        )
    })
}

#[test]
fn load() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    // The path is known at run time only.
    let line = format!("load -i {}", programs::image("busybox")?.display());
    interrupt_everywhere(
        &[],
        &Operation {
            prepare: &[],
            line: line.leak(),
            afterwards: |case| {
                if !case.ok("images -q busybox")?.is_empty() {
                    case.says("run --rm busybox echo whole", "whole")?;
                    case.ok("rmi busybox")?;
                }
                case.load_again()?;
                case.says("run --rm busybox echo again", "again")?;
                case.ok("rmi busybox").map(drop)
            },
        },
    )
}

trait LoadAgain {
    fn load_again(&self) -> Result<()>;
}

impl LoadAgain for Case {
    fn load_again(&self) -> Result<()> {
        self.daemon.load_image("busybox")
    }
}

/// A container that prints numbered lines, one attached client, a daemon killed five times.
#[test]
fn no_line_is_lost_and_attached_clients_stay() -> Result<()> {
    const LINES: u32 = 3000;
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok(&format!("create --name box busybox sh -c 'i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo $i; [ $((i % 20)) = 0 ] && sleep 0.01; done; exit 7'"))?;
        let path = "/v1.51/containers/box/attach?stream=1&stdout=1&stderr=1";
        let mut stream = http::send(
            &case.daemon.socket_outside(),
            "POST",
            path,
            "",
            "Connection: Upgrade\r\nUpgrade: tcp\r\n",
        )?;
        http::read_head(&mut stream)?;
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).map(|_| bytes)
        });
        case.ok("start box")?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
        for _ in 0..5 {
            case.daemon.kill()?;
            case.daemon.launch()?;
            case.says("inspect -f '{{.State.Pid}}' box", &pid)
                .or_else(|_| case.says("inspect -f '{{.State.Status}}' box", "exited"))?;
        }
        case.says("wait box", "7")?;
        let want: String = (1..=LINES).map(|i| format!("{i}\n")).collect();
        let logged = case.run("logs box")?.success()?;
        ensure!(
            logged.stdout == want,
            "the log has {} bytes of {}",
            logged.stdout.len(),
            want.len()
        );
        let bytes = reader.join().expect("the reader does not panic")?;
        let attached = http::unframe(&bytes)?.0;
        ensure!(
            attached == want.as_bytes(),
            "the client got {} bytes of {}",
            attached.len(),
            want.len()
        );
        case.ok("rm box").map(drop)
    })
}

/// Sessions that are open when the daemon dies go on: typed words arrive, the code is told.
#[test]
fn exec_sessions_and_terminals_go_on() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("run -d -it --name box busybox sh")?;
        let mut exec = case.command("exec -i box sh -c 'echo ready; read word; echo got $word; exit 6'")?;
        let mut exec = exec
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(exec.stdout.take().context("output was asked for")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        ensure!(line == "ready\n", "{line}");
        let mut terminal = Terminal::spawn(&case.command("attach box")?, (24, 80))?;
        terminal.send("echo before $((40+2))\n")?;
        terminal.expect("before 42", LIMIT)?;
        case.daemon.kill()?;
        terminal.send("echo without $((40+3))\n")?;
        terminal.expect("without 43", LIMIT)?;
        case.daemon.launch()?;
        terminal.send("echo after $((40+4))\n")?;
        terminal.expect("after 44", LIMIT)?;
        exec.stdin.take().context("input was asked for")?.write_all(b"word\n")?;
        let mut rest = String::new();
        output.read_to_string(&mut rest)?;
        ensure!(rest == "got word\n", "{rest}");
        let code = corten_testkit::outcome::code_of(exec.wait()?);
        ensure!(code == 6, "the session's code is {code}");
        drop(terminal);
        case.ok("rm -f box").map(drop)
    })
}

/// A daemon that is told to stop leaves its containers alone.
#[test]
fn a_stopped_daemon_leaves_containers_running() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("run -d --name box -p 8080:80 busybox httpd -f -h /etc")?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
        case.daemon.stop()?;
        case.script("curl -s --max-time 5 http://127.0.0.1:8080/hostname")?
            .success()?;
        case.daemon.launch()?;
        case.says("inspect -f '{{.State.Pid}}' box", &pid)?;
        case.ok("rm -f box").map(drop)
    })
}

/// Exits while no daemon was there to see them: code and time are right afterwards.
#[test]
fn exits_are_seen_later() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        // Docker's client gives up when the engine goes.
        case.client = Client::Corten;
        case.ok("run -d --name ends -p 8081:80 busybox sh -c 'while [ ! -e /tmp/go ]; do sleep 0.01; done; exit 33'")?;
        case.ok("run -d --name stays -p 8080:80 busybox httpd -f -h /etc")?;
        case.ok("run -d --name again --restart always busybox sh -c 'while [ ! -e /tmp/go ]; do sleep 0.01; done; rm /tmp/go'")?;
        let removed =
            case.ok("run -d --rm --name removed busybox sh -c 'while [ ! -e /tmp/go ]; do sleep 0.01; done; exit 6'")?;
        let mut front = case
            .command("run --rm --name front busybox sh -c 'touch /tmp/there; while [ ! -e /tmp/go ]; do sleep 0.01; done; exit 5'")?
            .spawn()?;
        until_ok(LIMIT, "the one in the foreground", || {
            case.ok("exec front ls /tmp/there")
        })?;
        let pid = |name: &str| case.ok(&format!("inspect -f '{{{{.State.Pid}}}}' {name}"));
        let roots: Vec<String> = ["ends", "again", "removed", "front"]
            .into_iter()
            .map(pid)
            .collect::<Result<_>>()?;
        case.daemon.kill()?;
        let killed = SystemTime::now();
        for root in &roots {
            // The pid is the host's or the sandbox's, as the daemon sees it: ask inside.
            case.script(&format!(
                "touch /proc/{root}/root/tmp/go && while [ -e /proc/{root}/exe ]; do sleep 0.01; done"
            ))?
            .success()?;
        }
        case.script("curl -s --max-time 5 http://127.0.0.1:8080/hostname")?
            .success()?;
        case.daemon.launch()?;
        until_ok(LIMIT, "the exit in inspect", || {
            case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' ends", "exited 33")
        })?;
        let (status, told) = case.api(
            "POST",
            &format!("/v1.51/containers/{removed}/wait?condition=removed"),
            "",
        )?;
        ensure!(status == 200 && told.contains("\"StatusCode\":6"), "{status} {told}");
        let code = front.wait()?;
        ensure!(code.code() == Some(5), "the one in the foreground: {code}");
        let finished = case.ok("inspect -f '{{.State.FinishedAt}}' ends")?;
        let seconds: u64 = case
            .script(&format!("date -d {finished} +%s"))?
            .success()?
            .text()
            .parse()?;
        let seen = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        ensure!(
            seen + Duration::from_secs(2) > killed && seen < SystemTime::now(),
            "FinishedAt {finished}"
        );
        case.says("inspect -f '{{.State.Running}}' stays", "true")?;
        case.script("curl -s --max-time 5 http://127.0.0.1:8080/hostname")?
            .success()?;
        until_ok(LIMIT, "the restart", || {
            case.says("inspect -f '{{.State.Running}}' again", "true")
        })?;
        until_ok(LIMIT, "the removal", || case.fails("inspect removed", 1, "No such"))?;
        // The port of the one that ended is free.
        case.ok("run --rm -p 8081:80 busybox true")?;
        case.ok("rm -f ends stays again").map(drop)
    })
}

/// Under load, at random moments: nothing that runs dies, and all can be removed.
#[test]
fn at_random_moments_under_load() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    let seed = std::env::var("CORTEN_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) * 2_654_435_761);
    eprintln!("at_random_moments_under_load: CORTEN_SEED={seed}");
    one(&["busybox"], |case| {
        case.ok("run -d --name stays -p 8080:80 busybox httpd -f -h /etc")?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' stays")?;
        let mut random = seed;
        for round in 0..10 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let delay = Duration::from_millis(random >> 32 & 255);
            let line = format!("for i in 1 2 3 4; do (docker run --rm --name r{round}-$i -p 127.0.0.1::80 busybox true; docker run -d --name d{round}-$i busybox sleep 1000) & done; wait");
            let mut load = case.daemon.sandbox.command("sh");
            load.args(["-c", &line]).env("DOCKER_HOST", format!("unix://{}", case.daemon.socket()));
            let mut load = load.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
            // The moment is what is random here: nothing is waited for.
            std::thread::sleep(delay);
            case.daemon.kill()?;
            case.daemon.launch().with_context(|| format!("round {round}, after {delay:?}"))?;
            load.wait()?;
            case.says("inspect -f '{{.State.Pid}}' stays", &pid).with_context(|| format!("round {round}, after {delay:?}"))?;
            case.script("curl -s --max-time 5 http://127.0.0.1:8080/hostname")?.success()?;
        }
        let all = case.ok("ps -aq")?.replace('\n', " ");
        case.ok(&format!("rm -f -v {all}")).map(drop)
    })
    .with_context(|| format!("CORTEN_SEED={seed}"))
}
