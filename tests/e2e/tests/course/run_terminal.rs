//! Rows of the areas `run` and `exec-attach-logs` that a person sits at.

use anyhow::{Result, ensure};
use corten_e2e::LIMIT;
use corten_testkit::wait::until_ok;

use crate::rows::{group, prompt, sit};

#[test]
fn a_shell_in_a_container() -> Result<()> {
    group(&["debian", "ubuntu", "alpine"], |rows| {
        for image in ["ubuntu", "debian", "ubuntu:16.04"] {
            rows.row("C-006 C-007 C-008 C-009 C-045", |case| {
                let mut terminal = sit(case, &format!("run -it --name bb {image} /bin/bash"))?;
                until_ok(LIMIT, "a start", || {
                    case.run("ps")?.success()?.mentions("\"/bin/bash\"")
                })?;
                terminal.expect(&prompt(case, "bb")?, LIMIT)?;
                case.run("ps")?.success()?.mentions("Up ")?;
                terminal.send("ps -a\n")?;
                terminal.expect("PID TTY          TIME CMD", LIMIT)?;
                terminal.expect(" pts/0    00:00:00 ps", LIMIT)?;
                let shown = terminal.screen();
                ensure!(!shown.contains("corten") && !shown.contains("dockerd"), "{shown}");
                terminal.send("exit\n")?;
                ensure!(terminal.finish(LIMIT)? == 0);
                case.says("inspect -f '{{.State.Status}} {{.State.ExitCode}}' bb", "exited 0")
            });
        }
        rows.row("C-023", |case| {
            let mut terminal = sit(case, "run --rm -it alpine")?;
            terminal.expect("/ # ", LIMIT)?;
            terminal.send("exit\n")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            case.says("ps -aq", "")
        });
        rows.row("C-019 C-038 C-039 C-040", |case| {
            let mut terminal = sit(case, "run -it -h demo --name your_name alpine:3.4 /bin/sh")?;
            terminal.expect("/ # ", LIMIT)?;
            terminal.send("hostname; echo 'Hello World!' > hello.txt\n")?;
            terminal.expect("demo\r\n", LIMIT)?;
            terminal.send("\x10\x11")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            case.says("inspect -f '{{.State.Running}}' your_name", "true")?;
            let mut terminal = sit(case, "attach your_name")?;
            terminal.send("echo the same $((6*7))\n")?;
            terminal.expect("the same 42", LIMIT)?;
            terminal.send("exit\n")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            case.run("ps -a")?.success()?.mentions("Exited (0) ")?;
            let mut terminal = sit(case, "start -ai your_name")?;
            terminal.send("more hello.txt\n")?;
            terminal.expect("Hello World!\r\n", LIMIT)?;
            terminal.send("exit\n")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            Ok(())
        });
        rows.row("C-061 C-062 C-063 C-064", |case| {
            case.ok("run -dit --name happy_mietner debian /bin/bash")?;
            let prompt = prompt(case, "happy_mietner")?;
            let mut first = sit(case, "attach happy_mietner")?;
            first.send("\n")?;
            first.expect(&prompt, LIMIT)?;
            let mut second = sit(case, "attach happy_mietner")?;
            second.send("\n")?;
            second.expect(&prompt, LIMIT)?;
            second.send("echo ici$((1))\n")?;
            first.expect("ici1\r\n", LIMIT)?;
            second.expect("ici1\r\n", LIMIT)?;
            let mut third = sit(case, "exec -it happy_mietner /bin/bash")?;
            third.expect(&prompt, LIMIT)?;
            third.send("cat /proc/1/comm; exit 3\n")?;
            third.expect("bash\r\n", LIMIT)?;
            ensure!(third.finish(LIMIT)? == 3);
            case.run("ps")?.success()?.mentions("Up ")?;
            first.send("exit\n")?;
            ensure!(first.finish(LIMIT)? == 0 && second.finish(LIMIT)? == 0);
            case.fails(
                "attach happy_mietner",
                1,
                "cannot attach to a stopped container, start it first",
            )
        });
    })
}
