//! After an upgrade: the keeper of a running container executes the new program in its own place, or goes on
//! with the old one where the new one will not do. The programs are replaced by mounts inside the sandbox.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::programs;
use corten_testkit::wait::until_ok;

fn inode(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path)
        .with_context(|| path.display().to_string())?
        .ino())
}

/// The inode of the program that the keeper with this host pid executes.
fn program_of(keeper: u32) -> Result<u64> {
    inode(Path::new(&format!("/proc/{keeper}/exe")))
}

/// Kills the daemon and starts it with `program` in the place of `corten-shim`.
fn replace(case: &mut Case, program: &Path) -> Result<()> {
    case.daemon.kill()?;
    let mounted = case
        .daemon
        .sandbox
        .command("mount")
        .arg("--bind")
        .args([program, &programs::find("corten-shim")?])
        .status()?;
    ensure!(mounted.success(), "mount: {mounted}");
    case.daemon.launch()
}

#[test]
fn a_keeper_executes_the_new_program_or_goes_on() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let script = "i=0; while :; do echo $i; i=$((i+1)); usleep 50000; done";
        case.daemon.docker(&[
            "run", "-d", "--name", "box", "-p", "8080:80", "busybox", "sh", "-c", script,
        ])?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
        let keeper = keeper_of(case)?;
        ensure!(program_of(keeper)? == inode(&programs::find("corten-shim")?)?);

        let directory = case.daemon.sandbox.scratch().join("programs");
        std::fs::create_dir_all(&directory)?;
        let newer = directory.join("newer");
        std::fs::copy(programs::find("corten-shim")?, &newer)?;
        replace(case, &newer)?;
        until_ok(LIMIT, "the new program", || {
            ensure!(program_of(keeper)? == inode(&newer)?);
            Ok(())
        })?;
        case.says("inspect -f '{{.State.Pid}}' box", &pid)?;
        case.says("exec box echo inside", "inside")?;

        let broken = directory.join("broken");
        std::fs::write(&broken, "#!/bin/sh\nexit 1\n")?;
        std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755))?;
        replace(case, &broken)?;
        until_ok(LIMIT, "the refusal", || {
            let log = case.daemon.log_tail();
            ensure!(log.contains("a keeper goes on with its older program"), "{log}");
            Ok(())
        })?;
        ensure!(program_of(keeper)? == inode(&newer)?);
        case.says("inspect -f '{{.State.Pid}}' box", &pid)?;
        case.says("exec box echo inside", "inside")?;

        let shim = programs::find("corten-shim")?;
        for _ in 0..2 {
            let unmounted = case.daemon.sandbox.command("umount").arg("-l").arg(&shim).status()?;
            ensure!(unmounted.success(), "umount: {unmounted}");
        }
        case.ok("stop -t 1 box")?;
        let lines = case.ok("logs box")?;
        for (number, line) in lines.lines().enumerate() {
            ensure!(line == number.to_string(), "line {number} is {line:?}");
        }
        case.ok("rm box").map(drop)
    })
}

/// The host pid of the one keeper there is.
fn keeper_of(case: &Case) -> Result<u32> {
    let inside = corten_testkit::census::processes_of(case.daemon.sandbox.first_pid());
    let is_keeper = |pid: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.trim() == "corten-shim"
    };
    inside.into_iter().find(is_keeper).context("no keeper of the container")
}
