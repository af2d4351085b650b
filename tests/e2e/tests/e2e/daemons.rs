//! Several daemons side by side on one machine, each with its own roots, bridge and cgroups.

use std::sync::Arc;

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, on_daemon};
use corten_testkit::census::cgroup_directories;
use corten_testkit::wait::until_ok;
use corten_testkit::{Daemon, DaemonOptions, Sandbox, skip};

#[test]
fn three_daemons_do_not_meet() -> Result<()> {
    if !skip::is_root() || corten_e2e::is_reference()? {
        skip::skip(
            "three_daemons_do_not_meet",
            "needs root, and Corten: the reference engine does not share a machine",
        );
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::new()?);
    let mut daemons = Vec::new();
    for name in ["a", "b", "c"] {
        let bridge = format!("corten-{name}");
        let options = DaemonOptions {
            arguments: vec!["--bridge".into(), bridge],
            name: Some(name.into()),
            ..DaemonOptions::default()
        };
        let mut daemon = Daemon::start_in(Arc::clone(&sandbox), options)?;
        daemon.load_image("busybox")?;
        daemon.remember()?;
        daemons.push(daemon);
    }
    // Each remembers without those that came later: remember again, now that all are up.
    for daemon in &mut daemons {
        daemon.remember()?;
    }
    for (number, daemon) in daemons.iter().enumerate() {
        let publish = format!("808{number}:80");
        daemon
            .docker(&[
                "run", "-d", "--name", "same", "-p", &publish, "busybox", "httpd", "-f", "-p", "80", "-h", "/etc",
            ])?
            .success()?;
    }
    for (number, daemon) in daemons.iter().enumerate() {
        daemon.docker(&["ps", "-q"])?.success().and_then(|said| {
            ensure!(said.text().lines().count() == 1, "{said}");
            Ok(())
        })?;
        let url = format!("http://127.0.0.1:808{number}/hostname");
        corten_testkit::wait::until_ok(corten_e2e::LIMIT, &url, || {
            corten_testkit::Outcome::of(sandbox.command("curl").args(["-s", "--max-time", "5", &url]))?.success()
        })?;
    }
    // One dies: the others and its own container do not mind.
    daemons[1].kill()?;
    daemons[0].docker(&["exec", "same", "true"])?.success()?;
    daemons[1].launch()?;
    for daemon in &daemons {
        daemon.docker(&["exec", "same", "true"])?.success()?;
        daemon.docker(&["rm", "-f", "same"])?.success()?;
    }
    daemons.iter().try_for_each(Daemon::leaves_nothing)
}

#[test]
fn daemons_named_dockerd_keep_their_bridges_in_whichever_order_they_start() -> Result<()> {
    if !skip::is_root() || corten_e2e::is_reference()? {
        skip::skip(
            "daemons_named_dockerd_keep_their_bridges_in_whichever_order_they_start",
            "needs root, and Corten: the reference engine does not share a machine",
        );
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::new()?);
    let start = |name: &str| {
        let options = DaemonOptions {
            name: Some(name.into()),
            as_dockerd: true,
            ..DaemonOptions::default()
        };
        Daemon::start_in(Arc::clone(&sandbox), options)
    };
    let has = |daemon: &Daemon, bridge: &str| -> Result<()> {
        let format = "{{index .Options \"com.docker.network.bridge.name\"}}";
        let said = daemon
            .docker(&["network", "inspect", "-f", format, "bridge"])?
            .success()?;
        ensure!(said.text().trim() == bridge, "{said}");
        Ok(())
    };
    let (mut one, mut other) = (start("one")?, start("other")?);
    has(&one, "docker0")?;
    has(&other, "docker1")?;
    for _ in 0..2 {
        one.stop()?;
        other.stop()?;
        other.launch()?;
        one.launch()?;
        has(&one, "docker0")?;
        has(&other, "docker1")?;
    }
    Ok(())
}

#[test]
fn the_parent_of_the_groups_goes_with_the_daemon() -> Result<()> {
    if corten_e2e::is_reference()? {
        // It leaves its own behind.
        return Ok(());
    }
    for lives in [true, false] {
        let options = DaemonOptions {
            arguments: vec![format!("--live-restore={lives}")],
            ..DaemonOptions::default()
        };
        on_daemon(options, &["busybox"], |case| {
            let parent = case.daemon.sandbox.cgroup_parent().to_owned();
            case.ok("run --rm busybox true")?;
            case.ok("run -d --name box busybox sleep 1000")?;
            ensure!(!cgroup_directories(&parent).is_empty(), "no groups were made");
            case.daemon.stop()?;
            ensure!(
                cgroup_directories(&parent).is_empty() != lives,
                "groups: {:?}",
                cgroup_directories(&parent)
            );
            case.daemon.launch()?;
            let running = format!("{lives}");
            until_ok(LIMIT, "the container's state", || {
                case.says("inspect -f '{{.State.Running}}' box", &running)
            })?;
            case.ok("start box")?;
            case.ok("rm -f box")?;
            case.daemon.stop()?;
            ensure!(cgroup_directories(&parent).is_empty(), "groups are left at the end");
            case.daemon.launch()
        })?;
    }
    Ok(())
}

/// A root whose directories have longer names than overlay's parameters hold.
#[test]
fn a_root_far_down() -> Result<()> {
    let options = DaemonOptions {
        below: [&"d".repeat(120), &"e".repeat(140)].iter().collect(),
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        ensure!(case.daemon.data_directory().as_os_str().len() > 255, "not far enough");
        case.ok("run -d --name box -v data:/data busybox sh -c 'echo x > /etc/x; echo said; sleep 1000'")?;
        until_ok(LIMIT, "the program", || case.says("logs box", "said"))?;
        case.says("exec box cat /etc/x", "x")?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        case.says("exec box cat /etc/x", "x")?;
        case.ok("restart -t 0 box")?;
        ensure!(case.ok("diff box")?.contains("A /etc/x"), "diff");
        case.ok("commit box made")?;
        case.says("run --rm made cat /etc/x", "x")?;
        case.ok("rm -f box")?;
        case.ok("volume rm data")?;
        case.ok("rmi made").map(drop)
    })
}
