//! `exec`: streams, codes, user and environment, detached, and what is refused.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, both, is_reference, one};
use corten_testkit::until;
use corten_testkit::wait::until_ok;
use serde_json::Value;

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
        case.fails("exec -w /nosuch box true", 127, "chdir to cwd (\"/nosuch\")")?;
        case.fails(
            "exec -u nosuch box true",
            1,
            "Error response from daemon: unable to find user nosuch: no matching entries in passwd file",
        )?;
        case.says("exec box stat -c '%s %a' /.dockerenv", "0 755")?;
        case.says("diff box", "")?;
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

fn exec_state(case: &Case, exec: &str) -> Result<Value> {
    Ok(serde_json::from_str(
        &case.api("GET", &format!("/v1.51/exec/{exec}/json"), "")?.1,
    )?)
}

/// Makes a session of the container `box` that is started without a client; its id and the start's status.
fn detached(case: &Case, words: &str) -> Result<(String, u16)> {
    let (_, made) = case.api("POST", "/v1.51/containers/box/exec", &format!(r#"{{"Cmd":{words}}}"#))?;
    let made: Value = serde_json::from_str(&made)?;
    let id = made["Id"].as_str().unwrap_or_default().to_owned();
    let (status, _) = case.api("POST", &format!("/v1.51/exec/{id}/start"), r#"{"Detach":true}"#)?;
    Ok((id, status))
}

#[test]
fn sizes_of_what_has_no_terminal_or_has_ended() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box busybox sleep 1000")?;
        let status = |path: &str| Ok::<u16, anyhow::Error>(case.api("POST", path, "")?.0);
        ensure!(status("/v1.51/containers/box/resize?h=10&w=20")? == 200, "container");
        let (running, _) = detached(case, r#"["sleep","1000"]"#)?;
        let size = |exec: &str| format!("/v1.51/exec/{exec}/resize?h=10&w=20");
        ensure!(status(&size(&running))? == 200, "session");
        let pid = exec_state(case, &running)?["Pid"].clone();
        ensure!(pid != 0, "it has no pid");

        let (ended, _) = detached(case, r#"["true"]"#)?;
        let state = until(LIMIT, "the session's end", || {
            exec_state(case, &ended).ok().filter(|state| state["Running"] == false)
        })?;
        ensure!(state["ExitCode"] == 0 && state["Pid"] != 0, "{state}");
        let message = format!("NotFound: process does not exist {ended}: not found");
        case.refuses("POST", &size(&ended), "", 404, &message)?;

        let (failed, started) = detached(case, r#"["/nosuch"]"#)?;
        let state = exec_state(case, &failed)?;
        ensure!(
            started == 400 && state["ExitCode"] == 127 && state["Pid"] == 0,
            "{started} {state}"
        );
        case.refuses("POST", &size(&failed), "", 400, "exec process is not started")?;

        case.ok("kill box")?;
        let message = format!("container {id} is not running");
        case.refuses("POST", &size(&running), "", 409, &message)?;
        let state = exec_state(case, &running)?;
        ensure!(state["ExitCode"] == 137 && state["Pid"] == pid, "{state}");
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn a_session_outlives_the_daemon() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let body = r#"{"Cmd":["sleep","2000"],"User":"daemon"}"#;
        let (_, created) = case.api("POST", "/v1.51/containers/box/exec", body)?;
        let created: serde_json::Value = serde_json::from_str(&created)?;
        let id = created["Id"].as_str().unwrap_or_default();
        case.api("POST", &format!("/v1.51/exec/{id}/start"), r#"{"Detach":true}"#)?;
        let look = |case: &corten_e2e::Case| -> Result<serde_json::Value> {
            let (status, text) = case.api("GET", &format!("/v1.51/exec/{id}/json"), "")?;
            ensure!(status == 200, "{status} {text}");
            Ok(serde_json::from_str(&text)?)
        };
        let before = look(case)?;
        ensure!(
            before["Running"] == true && before["ProcessConfig"]["entrypoint"] == "sleep",
            "{before}"
        );
        case.daemon.kill()?;
        case.daemon.launch()?;
        ensure!(look(case)? == before, "{before} before, {} after", look(case)?);
        case.script(&format!("kill -9 {}", before["Pid"]))?.success()?;
        until_ok(LIMIT, "the session's end", || {
            let after = look(case)?;
            ensure!(after["Running"] == false && after["ExitCode"] == 137, "{after}");
            Ok(())
        })?;
        case.ok("rm -f box")?;
        Ok(())
    })
}
