//! The ways to the engine: TLS, TCP, ssh, sockets of a service manager; by `docker`, `corten`, docker-py and clients in node.

mod certificates;
mod metrics;
mod node;
mod passed;
mod reload;
mod six;
mod ssh;
mod tcp;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use corten_testkit::{Daemon, DaemonOptions, Outcome, Sandbox, programs, skip};

/// Whether `name`d case can run at all.
fn can_run(name: &str) -> Result<bool> {
    if skip::is_root() && !corten_e2e::is_reference()? {
        return Ok(true);
    }
    skip::skip(name, "needs root, and Corten");
    Ok(false)
}

/// A daemon in a new sandbox, with these arguments and busybox.
fn daemon(arguments: impl FnOnce(&Sandbox) -> Result<Vec<String>>) -> Result<Daemon> {
    let sandbox = Arc::new(Sandbox::new()?);
    let options = DaemonOptions {
        arguments: arguments(&sandbox)?,
        ..DaemonOptions::default()
    };
    let mut daemon = Daemon::start_in(sandbox, options)?;
    daemon.load_image("busybox")?;
    daemon.remember()?;
    Ok(daemon)
}

/// What every transport has to carry: answers, streams both ways, half-close, megabytes, exit codes, archives.
fn exercise(run: impl Fn(&[&str], &[u8]) -> Result<Outcome>) -> Result<()> {
    run(&["run", "--rm", "busybox", "echo", "hi"], b"")?
        .success()?
        .says("hi")?;
    run(&["run", "--rm", "-i", "busybox", "wc", "-c"], &vec![b'x'; 3 << 20])?
        .success()?
        .says("3145728")?;
    let long = run(&["run", "--rm", "busybox", "head", "-c", "5000000", "/dev/zero"], b"")?.success()?;
    ensure!(long.stdout.len() == 5_000_000, "{} bytes came", long.stdout.len());
    run(&["run", "--rm", "busybox", "sh", "-c", "exit 7"], b"")?.code_is(7)?;
    run(&["run", "-d", "--name", "reached", "busybox", "sleep", "1000"], b"")?.success()?;
    run(&["exec", "-i", "reached", "cat"], b"through exec")?
        .success()?
        .says("through exec")?;
    // Sent from the file, on a connection of its own that ends with it.
    let fill = ["exec", "reached", "dd", "if=/dev/zero", "of=/f", "bs=1M", "count=3"];
    run(&fill, b"")?.success()?;
    let archive = run(&["cp", "reached:/f", "-"], b"")?.success()?;
    // A header, the content, the end.
    let bytes = archive.stdout.len();
    ensure!(bytes == 512 + (3 << 20) + 1024, "{bytes} bytes came");
    run(&["rm", "-f", "reached"], b"")?.success()?;
    Ok(())
}

/// A Python that knows docker-py, which pip or Debian's python3-docker bring.
fn python() -> Option<PathBuf> {
    let knows = |python: &str| {
        let mut command = std::process::Command::new(python);
        command.args(["-c", "import docker"]);
        Outcome::of(&mut command).is_ok_and(|said| said.success().is_ok())
    };
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(|python| knows(python))
        .map(PathBuf::from)
}

/// docker-py in the sandbox, with these arguments: the address, then CA, certificate and key if it is TLS.
fn docker_py(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let Some(python) = python() else {
        skip::skip(
            "docker-py",
            "no python3 with the module docker: scripts/setup installs it",
        );
        return Ok(());
    };
    let mut command = sandbox.command(python);
    command.args(["-c", include_str!("docker_py.py")]).args(arguments);
    // It would count more than the authority that is given.
    for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        command.env_remove(variable);
    }
    Outcome::of(&mut command)?.success()?.says("fine").map(drop)
}

/// A program of scripts/setup in `target/tools`, or of this machine.
fn tool(name: &str) -> Option<PathBuf> {
    let own = programs::target_directory().ok()?.join("tools").join(name);
    [
        own,
        PathBuf::from("/usr/sbin").join(name),
        PathBuf::from("/usr/bin").join(name),
    ]
    .into_iter()
    .find(|path| path.is_file())
}

/// A path as an argument.
fn text(path: &std::path::Path) -> Result<String> {
    Ok(path.to_str().context("test paths are text")?.to_owned())
}
