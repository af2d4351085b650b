//! `ssh://`, through an ssh server of the test's own in the sandbox.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use corten_testkit::wait::until_ok;
use corten_testkit::{Daemon, Outcome, programs, skip};

use super::{can_run, daemon, exercise, text, tool};

/// Makes keys and configurations in `directory`. `PATH` on the server's side comes from here.
fn configure(directory: &Path, path: &str) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let here = text(directory)?;
    for key in ["host", "user"] {
        let mut command = std::process::Command::new("ssh-keygen");
        command
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(directory.join(key));
        Outcome::of(&mut command)?.success()?;
    }
    std::fs::write(
        directory.join("sshd_config"),
        format!(
            "Port 2222\nListenAddress 127.0.0.1\nHostKey {here}/host\nAuthorizedKeysFile {here}/user.pub\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\nSetEnv PATH={path}\n"
        ),
    )?;
    std::fs::write(
        directory.join("ssh_config"),
        format!(
            "IdentityFile {here}/user\nStrictHostKeyChecking no\nUserKnownHostsFile {here}/known\nLogLevel ERROR\n"
        ),
    )?;
    let wrapper = directory.join("bin/ssh");
    std::fs::create_dir_all(directory.join("bin"))?;
    std::fs::write(
        &wrapper,
        format!("#!/bin/sh\nexec /usr/bin/ssh -F {here}/ssh_config \"$@\"\n"),
    )?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    Ok(std::fs::set_permissions(wrapper, mode)?)
}

/// The server, in the sandbox: it needs a user of its own and a directory.
fn serve(daemon: &Daemon, sshd: &Path, directory: &Path) -> Result<std::process::Child> {
    let users = directory.join("passwd");
    let mut known = std::fs::read_to_string("/etc/passwd")?;
    if !known.contains("\nsshd:") {
        known.push_str("sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n");
    }
    std::fs::write(&users, known)?;
    let prepared = format!("mkdir -p /run/sshd && mount --bind {} /etc/passwd", text(&users)?);
    daemon.sandbox.script(&prepared)?.success()?;
    let libraries = sshd.parent().context("a program lies in a directory")?.join("lib");
    let child = daemon
        .sandbox
        .command(sshd)
        .env("LD_LIBRARY_PATH", libraries)
        .args(["-D", "-e", "-f"])
        .arg(directory.join("sshd_config"))
        .stderr(std::fs::File::create(directory.join("log"))?)
        .spawn()
        .context("start the ssh server")?;
    Ok(child)
}

#[test]
fn ssh_carries_everything() -> Result<()> {
    if !can_run("ssh_carries_everything")? {
        return Ok(());
    }
    let (Some(sshd), true) = (tool("sshd"), skip::has_program("ssh")) else {
        skip::skip("ssh_carries_everything", "no ssh server: scripts/setup gets one");
        return Ok(());
    };
    let daemon = daemon(|_| Ok(Vec::new()))?;
    let directory = daemon.sandbox.scratch().join("ssh");
    let programs = text(&programs::directory()?)?;
    let usual = std::env::var("PATH").unwrap_or_default();
    configure(&directory, &format!("{programs}:{usual}"))?;
    let mut server = serve(&daemon, &sshd, &directory)?;
    let address = format!("ssh://root@127.0.0.1:2222{}", daemon.socket());
    let path = format!("{}/bin:{usual}", text(&directory)?);
    let client = |program: &str, address: &str, words: &[&str], input: &[u8]| {
        let mut all = vec!["-H", address];
        all.extend(words);
        let mut command = match program {
            "docker" => daemon.docker_command(&all),
            _ => daemon.corten_command(&all)?,
        };
        Outcome::with_input(command.env_remove("DOCKER_HOST").env("PATH", &path), input)
    };
    let log = || std::fs::read_to_string(directory.join("log")).unwrap_or_default();
    until_ok(corten_e2e::LIMIT, "the ssh server", || {
        client("corten", &address, &["ps"], b"")?.success()
    })
    .with_context(log)?;
    for program in ["docker", "corten"] {
        exercise(|words, input| client(program, &address, words, input)).with_context(|| format!("with {program}"))?;
    }
    let nobody = client("corten", "ssh://root@127.0.0.1:2223", &["ps"], b"")?.code_is(1)?;
    let said = nobody.mentions("has exited with exit status 255, make sure the URL is valid")?;
    said.mentions("Connection refused")?.mentions("hint: ")?;
    let no_socket = client("corten", "ssh://root@127.0.0.1:2222/nope.sock", &["ps"], b"")?.code_is(1)?;
    no_socket.mentions("Cannot connect to the Corten daemon at unix:///nope.sock")?;
    server.kill()?;
    server.wait()?;
    let clients = daemon.sandbox.script("ps -eo args | grep -c '[d]ial-stdio'")?;
    ensure!(clients.text() == "0", "still there: {}", clients.text());
    daemon.sandbox.script("umount /etc/passwd")?.success()?;
    daemon.leaves_nothing()
}
