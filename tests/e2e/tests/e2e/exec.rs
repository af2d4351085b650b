//! `exec`: streams, codes, user and environment, detached, and what is refused.

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both};
use corten_testkit::until;

#[test]
fn exec_runs_one_more_process() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name box -e A=from-run -w /tmp busybox sleep 1000")?;
        case.says("exec box echo hi", "hi")?;
        case.run("exec box sh -c 'exit 42'")?.code_is(42)?;
        let outcome = case.run("exec box sh -c 'echo out; echo err >&2'")?.success()?;
        ensure!(outcome.stdout == "out\n" && outcome.stderr == "err\n", "{outcome}");
        case.run_with_input("exec -i box cat", b"typed")?
            .success()?
            .says("typed")?;
        case.says(
            "exec -e B=own -w /etc -u nobody box sh -c 'echo $A $B $(pwd) $(id -u)'",
            "from-run own /etc 65534",
        )?;
        case.says("exec box pwd", "/tmp")?;
        case.fails(
            "exec box nosuch",
            127,
            "exec: \"nosuch\": executable file not found in $PATH",
        )?;
        case.fails("exec box /etc/passwd", 126, "exec: \"/etc/passwd\": permission denied")?;
        case.ok("exec -d box sh -c 'sleep 0.2; touch /tmp/done'")?;
        until(LIMIT, "the detached process's file", || {
            case.ok("exec box ls /tmp/done").ok()
        })?;
        case.says("exec box grep Seccomp: /proc/self/status", "Seccomp:\t2")?;
        let grown = case.ok("exec --privileged box grep CapEff /proc/self/status")?;
        ensure!(grown != "CapEff:\t00000000a80425fb", "{grown}");
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn exec_is_refused_where_nothing_runs() -> Result<()> {
    both(&["busybox"], |case| {
        let id = case.ok("create --name box busybox sleep 1000")?;
        case.fails("exec box true", 1, &format!("container {id} is not running"))?;
        case.fails("exec nosuch true", 1, "No such container: nosuch")?;
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn exec_ends_with_its_container() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let child = case
            .command("exec box sleep 1000")?
            .stdout(std::process::Stdio::null())
            .spawn()?;
        let mut child = child;
        let listed = || {
            case.inspect("box")
                .is_ok_and(|said| said["ExecIDs"].as_array().is_some_and(|ids| ids.len() == 1))
        };
        until(LIMIT, "the exec session in inspect", || listed().then_some(()))?;
        case.ok("kill box")?;
        let code = corten_testkit::outcome::code_of(child.wait()?);
        ensure!(code == 137, "the session's code is {code}");
        case.ok("rm box")?;
        Ok(())
    })
}
