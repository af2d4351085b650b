//! Rows of the area `exec-attach-logs` that need no terminal.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::wait::until_ok;

use crate::rows::group;

/// Header and rows of `top`, in words.
fn top(case: &Case, name: &str) -> Result<Vec<Vec<String>>> {
    let text = case.ok(&format!("top {name}"))?;
    Ok(text
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect())
}

#[test]
fn looking_at_processes() -> Result<()> {
    group(&["debian", "busybox"], |rows| {
        rows.row("C-057", |case| {
            case.ok("run --name hungry_visvesvaraya debian /bin/echo Salut")?;
            let logged = case.run("logs hungry_visvesvaraya")?.success()?.says("Salut")?;
            ensure!(logged.stderr.is_empty());
            case.ok("run --name both debian sh -c 'echo out; echo err >&2'")?;
            let logged = case.run("logs both")?.success()?.says("out")?;
            ensure!(logged.stderr == "err\n", "{:?}", logged.stderr);
            Ok(())
        });
        rows.row("C-059 C-060", |case| {
            case.ok("run -dit --name happy_mietner debian /bin/bash")?;
            let shown = top(case, "happy_mietner")?;
            let header = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
            ensure!(shown.len() == 2 && shown[0] == header, "{shown:?}");
            ensure!(shown[1][0] == "root" && shown[1][7..] == ["/bin/bash"], "{shown:?}");
            let pid = case.ok("inspect -f '{{.State.Pid}}' happy_mietner")?;
            ensure!(shown[1][1] == pid, "{shown:?} is not {pid}");
            let inside = case.ok("exec happy_mietner sh -c 'echo $$; cat /proc/1/comm'")?;
            let (number, name) = inside.split_once('\n').unwrap_or_default();
            ensure!(number.parse::<u32>()? < 1000 && name == "bash", "{inside}");
            case.script(&format!("cat /proc/{pid}/comm"))?.success()?.says("bash")?;
            case.script(&format!("grep ^NSpid: /proc/{pid}/status"))?
                .success()?
                .mentions("\t1")
                .map(drop)
        });
        rows.row("C-065", |case| {
            case.ok("run -d --name box busybox sleep 600")?;
            let address = case.ok("inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' box")?;
            let said = case.ok("exec box ifconfig")?;
            ensure!(
                said.contains("eth0 ") && said.contains(&format!("inet addr:{address} ")),
                "{said}"
            );
            ensure!(said.contains("\nlo "), "{said}");
            case.ok("run -d --name deb debian sleep 600")?;
            case.fails(
                "exec deb ifconfig",
                127,
                "exec: \"ifconfig\": executable file not found in $PATH",
            )
        });
        rows.row("C-066", |case| {
            case.ok("run -d --name deb debian sleep 600")?;
            case.ok("exec -d deb sleep 500")?;
            until_ok(LIMIT, "the second program", || {
                let shown = top(case, "deb")?;
                ensure!(
                    shown
                        .iter()
                        .any(|row| row.ends_with(&["sleep".to_owned(), "500".to_owned()])),
                    "{shown:?}"
                );
                Ok(())
            })?;
            case.ok("stop -t 0 deb")?;
            case.fails("exec deb true", 1, "is not running")
        });
    })
}
