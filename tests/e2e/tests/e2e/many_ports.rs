//! A thousand published ports on one container: their sockets are more than one message to the keeper carries, and
//! more than a process may usually have open.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, on_daemon};
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::wait::until_ok;
use corten_testkit::{DaemonOptions, Outcome, programs};

/// What programs usually get; the container must not see that its keeper took more.
const DESCRIPTORS: u32 = 1024;

/// Some of the ports, on which somebody listens.
const SERVED: [u16; 3] = [20_000, 20_252, 20_999];

/// Says on which of the ports it was asked.
const SERVER: &str = "use IO::Socket::IP; for my $p (@ARGV) { next if fork; \
    my $s = IO::Socket::IP->new(LocalPort => $p, Listen => 9, ReuseAddr => 1) or die; \
    while (my $c = $s->accept) { print $c qq(port $p); close $c } } sleep 1000";

/// Asks from the host, from this very address and port, and says what was answered.
fn answer(case: &Case, address: &str, port: u16) -> Result<()> {
    let client = "use IO::Socket::IP; my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Timeout => 5) or die $!; alarm 5; print <$s>;";
    Outcome::of(
        case.daemon
            .sandbox
            .command("perl")
            .args(["-e", client, address, &port.to_string()]),
    )?
    .success()?
    .says(&format!("port {port}"))
    .map(drop)
    .with_context(|| format!("{address} port {port}"))
}

fn all_answer(case: &Case) -> Result<()> {
    for port in SERVED {
        for address in ["127.0.0.1", "::1", INSIDE4] {
            answer(case, address, port)?;
        }
    }
    Ok(())
}

/// The first process and one that comes later have the limit that the daemon was given.
fn limits(case: &Case) -> Result<()> {
    let of_first = r"grep -q 'Max open files *1024 ' /proc/1/limits && ulimit -Sn";
    case.says(&format!("exec many sh -c \"{of_first}\""), &DESCRIPTORS.to_string())
}

#[test]
fn a_thousand_on_one_container() -> Result<()> {
    let options = DaemonOptions {
        descriptors: Some(DESCRIPTORS),
        ..DaemonOptions::default()
    };
    on_daemon(options, &["debian"], |case| {
        let served = SERVED.map(|port| port.to_string()).join(" ");
        let program = format!("-p 20000-20999:20000-20999 debian perl -e '{SERVER}' {served}");
        let begun = Instant::now();
        case.ok(&format!("run -d --name many {program}"))?;
        eprintln!("run with 1,000 ports: {:?}", begun.elapsed());
        until_ok(LIMIT, "an answer", || answer(case, "127.0.0.1", SERVED[0]))?;
        all_answer(case)?;
        let listed = case.ok("port many")?;
        ensure!(listed.lines().count() == 2000, "{}", listed.lines().count());
        // More than the keeper's own limit changes nothing for programs inside.
        limits(case)?;
        case.fails("run --rm -p 20500:80 debian true", 125, "port is already allocated")?;

        if !is_reference()? {
            case.daemon.kill()?;
            all_answer(case).context("while no daemon runs")?;
            upgrade(case)?;
            all_answer(case).context("after the daemon and the keeper were replaced")?;
            limits(case)?;
        }

        let begun = Instant::now();
        case.ok("run -d --name one -p 30000:80 debian sleep 1000")?;
        eprintln!("run with one port and 1,000 in place: {:?}", begun.elapsed());
        case.ok("rm -f one")?;
        case.ok("stop -t 0 many")?;
        ensure!(
            answer(case, "127.0.0.1", SERVED[0]).is_err(),
            "a stopped container answers"
        );
        case.ok(&format!("run -d --name next {program}"))
            .context("the same ports again")?;
        until_ok(LIMIT, "an answer of the next", || answer(case, INSIDE4, SERVED[1]))?;
        case.ok("rm -f many next")?;
        if !is_reference()? {
            let shim = programs::find("corten-shim")?;
            let unmounted = case.daemon.sandbox.command("umount").arg("-l").arg(&shim).status()?;
            ensure!(unmounted.success(), "umount: {unmounted}");
        }
        Ok(())
    })
}

/// Starts the daemon again with another file in the place of `corten-shim`, so that the keeper executes that.
fn upgrade(case: &mut Case) -> Result<()> {
    let newer = case.daemon.sandbox.scratch().join("newer");
    let shim = programs::find("corten-shim")?;
    std::fs::copy(&shim, &newer)?;
    let mut mount = case.daemon.sandbox.command("mount");
    let mounted = mount.arg("--bind").args([&newer, &shim]).status()?;
    ensure!(mounted.success(), "mount: {mounted}");
    case.daemon.launch()?;
    let replaced = || -> Result<()> {
        let inside = corten_testkit::census::processes_of(case.daemon.sandbox.first_pid());
        let inode = |path: &str| std::fs::metadata(path).map(|file| std::os::unix::fs::MetadataExt::ino(&file));
        let wanted = inode(&newer.to_string_lossy())?;
        let is_new = |pid: &u32| inode(&format!("/proc/{pid}/exe")).is_ok_and(|found| found == wanted);
        ensure!(inside.iter().any(is_new), "no keeper executes the new program");
        Ok(())
    };
    until_ok(LIMIT, "the new keeper", replaced)
}
