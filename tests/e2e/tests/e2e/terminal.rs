//! Sitting at a container: -it through a pty, sizes, keys that become signals, detaching.

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both};
use corten_testkit::Terminal;
use corten_testkit::wait::until_ok;

#[test]
fn a_shell_on_a_terminal() -> Result<()> {
    both(&["busybox"], |case| {
        let mut terminal = Terminal::spawn(&case.command("run -it --rm --name box busybox sh")?, (31, 97))?;
        terminal.expect("/ #", LIMIT)?;
        terminal.send("stty size; tty\n")?;
        terminal.expect("31 97", LIMIT)?;
        terminal.expect("/dev/pts/0", LIMIT)?;
        terminal.resize((40, 120))?;
        until_ok(LIMIT, "the new size", || {
            case.says("exec box sh -c 'stty size </dev/pts/0'", "40 120")
        })?;
        terminal.send("echo $TERM\n")?;
        terminal.expect("xterm", LIMIT)?;
        terminal.send("sleep 1000\n")?;
        until_ok(LIMIT, "the sleep", || {
            case.ok("exec box sh -c \"ps | grep '[s]leep 1000'\"")
        })?;
        terminal.send("\x03")?;
        until_ok(LIMIT, "the end of the sleep", || {
            case.fails("exec box sh -c \"ps | grep '[s]leep 1000'\"", 1, "")
        })?;
        terminal.send("exit 5\n")?;
        ensure!(terminal.finish(LIMIT)? == 5);
        Ok(())
    })
}

#[test]
fn detaching_leaves_it_running() -> Result<()> {
    both(&["busybox"], |case| {
        let mut terminal = Terminal::spawn(&case.command("run -it --name box busybox sh")?, (24, 80))?;
        terminal.expect("/ #", LIMIT)?;
        terminal.send("\x10\x11")?;
        ensure!(terminal.finish(LIMIT)? == 0);
        case.says("inspect -f '{{.State.Running}}' box", "true")?;
        let mut terminal = Terminal::spawn(&case.command("attach --detach-keys ctrl-x,x box")?, (24, 80))?;
        terminal.send("echo back $((40+2))\n")?;
        terminal.expect("back 42", LIMIT)?;
        terminal.send("\x18x")?;
        terminal.finish(LIMIT)?;
        case.says("inspect -f '{{.State.Running}}' box", "true")?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn exec_on_a_terminal() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let mut terminal = Terminal::spawn(&case.command("exec -it box sh")?, (29, 91))?;
        terminal.expect("/ #", LIMIT)?;
        terminal.send("stty size\n")?;
        terminal.expect("29 91", LIMIT)?;
        terminal.send("exit 3\n")?;
        ensure!(terminal.finish(LIMIT)? == 3);
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn a_terminal_is_wanted_where_input_is_none() -> Result<()> {
    both(&["busybox"], |case| {
        case.fails("run -it --rm busybox true", 1, "the input device is not a TTY")?;
        // Without -i, a terminal for the program alone is fine.
        case.says("run -t --rm busybox tty", "/dev/pts/0")?;
        Ok(())
    })
}
