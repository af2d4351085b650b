//! Damaged records, a full disk and a run directory of other data: nothing that runs is lost, and what is damaged can be
//! seen and removed.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::skip;
use corten_testkit::wait::until_ok;

fn ours(name: &str) -> Result<bool> {
    if is_reference()? {
        skip::skip(name, "is about our files");
        return Ok(false);
    }
    Ok(true)
}

/// The process of the container, by what it executes.
fn lives(case: &Case, seconds: &str) -> Result<bool> {
    Ok(case.script(&format!("pgrep -fx 'sleep {seconds}'"))?.code == 0)
}

#[test]
fn a_container_with_a_damaged_record_is_dead_but_not_gone() -> Result<()> {
    if !ours("a_container_with_a_damaged_record_is_dead_but_not_gone")? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        for (content, seconds) in [("", "7001"), ("{bad", "7002")] {
            case.ok(&format!("run -d --name box busybox sleep {seconds}"))?;
            let id = case.inspect("box")?["Id"].as_str().context("an id")?.to_owned();
            let spec = case.daemon.data_directory().join(format!("containers/{id}/spec.json"));
            case.daemon.kill()?;
            std::fs::write(&spec, content)?;
            case.daemon.launch()?;
            ensure!(lives(case, seconds)?, "the container was ended");
            let short = &id[..12];
            case.says(
                "ps -a --format '{{.ID}} {{.Names}} {{.State}}'",
                &format!("{short} damaged_{short} dead"),
            )?;
            case.fails(&format!("start {short}"), 1, "")?;
            case.ok(&format!("rm -f {short}"))?;
            case.says("ps -aq", "")?;
            until_ok(LIMIT, "the end of its process", || {
                ensure!(!lives(case, seconds)?, "it runs");
                Ok(())
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_run_directory_is_not_taken_over_from_containers_that_run() -> Result<()> {
    if !ours("a_run_directory_is_not_taken_over_from_containers_that_run")? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let program = corten_testkit::programs::find("cortend")?;
        let parent = case.daemon.sandbox.cgroup_parent().to_owned();
        let run = case.daemon.run_directory();
        let other = |exec_root: &str| {
            format!(
                "{} --host unix:///run/second.sock --data-root /run/second --exec-root {exec_root} --pidfile /run/second.pid --bridge none --cgroup-parent {parent}",
                program.display()
            )
        };
        let foreign = other(&exec_root(case)?);
        case.ok("run -d --name box busybox sleep 7003")?;
        let outcome = case.script(&foreign)?;
        ensure!(outcome.code == 1, "{outcome}");
        outcome.mentions("is in use by another daemon")?;
        case.daemon.kill()?;
        let outcome = case.script(&foreign)?;
        ensure!(outcome.code == 1, "{outcome}");
        outcome.mentions("and 1 of its containers run: start with --data-root")?;
        // One with a run directory of its own, and the same parent of control groups.
        let line = other("/run/second-x");
        let script = format!("timeout -s TERM 3 {line}; true");
        case.script(&script)?;
        ensure!(
            lives(case, "7003")?,
            "the container was ended by another daemon, {}",
            run.display()
        );
        case.daemon.launch()?;
        case.ok("exec box true")?;
        case.ok("rm -f box")?;
        case.script("rm -r /run/second /run/second-x /run/second.*; true")?;
        Ok(())
    })
}

fn exec_root(case: &Case) -> Result<String> {
    let pid = case.daemon.pid()?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline"))?;
    let line = String::from_utf8(line)?;
    let mut words = line.split('\0').skip_while(|word| *word != "--exec-root");
    Ok(words.nth(1).context("an exec root")?.to_owned())
}

#[test]
fn a_full_disk_keeps_no_daemon_from_starting() -> Result<()> {
    if !ours("a_full_disk_keeps_no_daemon_from_starting")? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.daemon.stop()?;
        let data = case.daemon.data_directory();
        let data = data.display();
        case.script(&format!(
            "cp -a {data} {data}.aside && mount -t tmpfs -o size=48m,mode=0710 full {data} && cp -a {data}.aside/. {data}"
        ))?
        .success()?;
        case.daemon.launch()?;
        let fill =
            "sh -c 'dd if=/dev/zero of=/fill bs=64k; echo full; while ! test -e /run/end; do sleep 0.1; done; exit 3'";
        case.ok(&format!(
            "run -d --log-driver none --tmpfs /run --name box busybox {fill}"
        ))?;
        until_ok(LIMIT, "a full disk", || {
            case.script(&format!(
                "! dd if=/dev/zero of={data}/probe bs=4k count=1 2>/dev/null; rm -f {data}/probe"
            ))?
            .success()?;
            Ok(())
        })?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        case.says("inspect -f {{.State.Running}} box", "true")?;
        // It ends while nobody looks and nothing can be written.
        let pid = case.inspect("box")?["State"]["Pid"].as_i64().context("a pid")?;
        case.daemon.kill()?;
        case.script(&format!("touch /proc/{pid}/root/run/end"))?.success()?;
        until_ok(LIMIT, "its end", || {
            case.script(&format!("! test -e /proc/{pid}"))?.success()?;
            Ok(())
        })?;
        case.daemon.launch()?;
        case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' box", "exited 3")?;
        case.ok("rm box")?;
        until_ok(LIMIT, "room", || {
            case.ok("run --rm busybox true")?;
            Ok(())
        })?;
        case.daemon.stop()?;
        case.script(&format!("umount {data} && rm -r {data}.aside"))?
            .success()?;
        case.daemon.launch()
    })
}
