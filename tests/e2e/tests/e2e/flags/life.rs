//! Stop, restart, attach, start, exec, remove, list: flags that other cases do without.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{LIMIT, both};
use corten_testkit::Terminal;

/// Says which signal came, and goes on or ends.
const TELLS: &str = "trap 'echo usr1' USR1; trap 'echo int; exit 4' INT; echo ready; while :; do sleep 0.05; done";

#[test]
fn stop_and_restart_with_a_signal() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(&format!("run -d --name box busybox sh -c \"{TELLS}\""))?;
        corten_testkit::wait::until_ok(LIMIT, "the trap", || case.says("logs box", "ready"))?;
        case.ok("stop -s INT --time 60 box")?;
        case.says("inspect -f '{{.State.ExitCode}}' box", "4")?;
        case.ok("start box")?;
        corten_testkit::wait::until_ok(LIMIT, "the trap", || case.says("logs box", "ready\nint\nready"))?;
        case.ok("restart -s INT --time 60 box")?;
        corten_testkit::wait::until_ok(LIMIT, "the second", || {
            case.says("logs box", "ready\nint\nready\nint\nready")
        })?;
        case.ok("container stop --signal KILL -t 60 box")?;
        case.says("inspect -f '{{.State.ExitCode}}' box", "137")?;
        case.ok("container remove box")?;
        Ok(())
    })
}

#[test]
fn attach_without_input_and_signals() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d -i --name box busybox sh -c 'until [ -e /go ]; do echo on; sleep 0.05; done; exit 3'")?;
        let mut attached = case
            .command("attach --no-stdin --sig-proxy=false box")?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut first = String::new();
        BufReader::new(attached.stdout.take().context("a pipe")?).read_line(&mut first)?;
        ensure!(first == "on\n", "{first:?}");
        // Its output has no reader any more; the container must go on.
        case.ok("exec box touch /go")?;
        case.says("wait box", "3")?;
        attached.wait()?;
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn detach_keys_of_start_and_exec() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create -it --name box busybox sh")?;
        let mut terminal = Terminal::spawn(&case.command("start -ai --detach-keys ctrl-x,y box")?, (24, 80))?;
        terminal.expect("/ #", LIMIT)?;
        terminal.send("\x18y")?;
        terminal.finish(LIMIT)?;
        case.says("inspect -f '{{.State.Running}}' box", "true")?;
        let file = case.daemon.sandbox.scratch().join("variables");
        std::fs::write(&file, "FROM=file\n")?;
        case.says(
            &format!("exec --env-file {} box sh -c 'echo $FROM'", file.display()),
            "file",
        )?;
        let mut terminal = Terminal::spawn(&case.command("exec -it --detach-keys ctrl-x,z box sh")?, (24, 80))?;
        terminal.expect("/ #", LIMIT)?;
        terminal.send("\x18z")?;
        terminal.finish(LIMIT)?;
        case.ok("exec box true")?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn lists_copies_links_and_prunes() -> Result<()> {
    both(&["busybox"], |case| {
        let scratch = case.daemon.sandbox.scratch().to_owned();
        case.ok("run -d --name first -l keep=1 busybox sleep 1000")?;
        case.ok("create --name second --link first:alias -l drop=1 busybox")?;
        for form in ["container list", "container ps", "ps", "container ls"] {
            case.says(&format!("{form} -n 1 --format '{{{{.Names}}}}'"), "second")?;
        }
        let size = case.ok("container inspect -s -f '{{.SizeRootFs}}' first")?;
        ensure!(size.parse::<f64>().is_ok_and(|bytes| bytes > 1e5), "{size}");
        std::fs::write(scratch.join("owned"), "text")?;
        rustix::fs::chown(
            scratch.join("owned"),
            Some(rustix::fs::Uid::from_raw(1234)),
            Some(rustix::fs::Gid::from_raw(2345)),
        )?;
        case.ok(&format!("cp -a -q {}/owned first:/owned", scratch.display()))?;
        case.says("exec first stat -c %u:%g /owned", "1234:2345")?;
        let shown = case.ok("stats -a --no-trunc --no-stream --format '{{.Name}} {{.ID}}'")?;
        let id = case.ok("inspect -f '{{.Id}}' second")?;
        ensure!(shown.contains(&format!("second {id}")), "{shown}");
        let gone = case.ok("container prune -f --filter label=drop=1")?;
        ensure!(gone.contains(&id), "{gone}");
        case.ok("rm -f first")?;
        Ok(())
    })
}
