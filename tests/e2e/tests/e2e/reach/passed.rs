//! `fd://`: sockets that a service manager opened, by number and by name.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use corten_testkit::wait::until_ok;
use corten_testkit::{Outcome, Sandbox, programs, skip};

use super::{can_run, text};

/// Opens two sockets as systemd would, hands them on as descriptors 3 and 4, and becomes the daemon.
const MANAGER: &str = r#"
import os, socket, sys
unix = socket.socket(socket.AF_UNIX); unix.bind("/run/passed.sock"); unix.listen(8)
tcp = socket.socket(); tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); tcp.bind(("127.0.0.1", 7777)); tcp.listen(8)
first, second = os.dup(unix.fileno()), os.dup(tcp.fileno())
copies = [os.fdopen(os.dup(fd), "rb", closefd=False).fileno() for fd in (first, second)]
for fd in copies: os.set_inheritable(fd, True)
high = [100, 101]
for fd, to in zip(copies, high): os.dup2(fd, to)
os.closerange(3, 100)
for number, fd in enumerate(high): os.dup2(fd, 3 + number, inheritable=True); os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="api:web")
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// A daemon with these hosts; the answers of the unix and the TCP socket to a ping.
fn answers(host: &str) -> Result<(bool, bool)> {
    let sandbox = Sandbox::new()?;
    let data = text(&sandbox.scratch().join("data"))?;
    let log = sandbox.scratch().join("log");
    let mut daemon = sandbox
        .command("python3")
        .args(["-c", MANAGER])
        .arg(programs::find("cortend")?)
        .args([
            "--host",
            host,
            "--data-root",
            &data,
            "--exec-root",
            "/run/x",
            "--pidfile",
            "/run/pid",
        ])
        .args([
            "--tls=false",
            "--bridge",
            "none",
            "--cgroup-parent",
            sandbox.cgroup_parent(),
        ])
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(&log)?)
        .spawn()
        .context("start the daemon")?;
    let ping =
        |arguments: &str| -> Result<Outcome> { sandbox.script(&format!("curl -s --max-time 10 {arguments}/_ping")) };
    let (unix, tcp) = ("--unix-socket /run/passed.sock http://d", "http://127.0.0.1:7777");
    until_ok(corten_e2e::LIMIT, "an answer on either socket", || {
        let answered = ping(unix)?.text() == "OK" || ping(tcp)?.text() == "OK";
        ensure!(answered, "{}", std::fs::read_to_string(&log).unwrap_or_default());
        Ok(())
    })?;
    let answered = (ping(unix)?.text() == "OK", ping(tcp)?.text() == "OK");
    daemon.kill()?;
    daemon.wait()?;
    Ok(answered)
}

#[test]
fn passed_sockets_are_chosen_by_number_and_name() -> Result<()> {
    if !can_run("passed_sockets_are_chosen_by_number_and_name")? {
        return Ok(());
    }
    if !skip::has_program("python3") {
        skip::skip("passed_sockets_are_chosen_by_number_and_name", "no python3");
        return Ok(());
    }
    for (host, expected) in [
        ("fd://", (true, true)),
        ("fd://4", (false, true)),
        ("fd://api", (true, false)),
    ] {
        let found = answers(host)?;
        ensure!(found == expected, "{host}: {found:?}");
    }
    Ok(())
}
