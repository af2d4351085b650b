//! A container's life by its single steps: create, start, inspect, list, stop, kill, wait, restart, remove.

use std::io::Read as _;

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both, one};
use corten_testkit::{http, until};

#[test]
fn create_start_wait_remove() -> Result<()> {
    both(&["busybox"], |case| {
        let id = case.ok("create --name box busybox sh -c 'echo hi; exit 4'")?;
        ensure!(id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()), "id {id}");
        let created = case.inspect("box")?;
        ensure!(
            created["State"]["Status"] == "created" && created["State"]["ExitCode"] == 0,
            "{}",
            created["State"]
        );
        ensure!(
            created["Id"] == id.as_str() && created["Name"] == "/box" && created["Path"] == "sh",
            "{created}"
        );
        case.says("start box", "box")?;
        case.says("wait box", "4")?;
        let exited = case.inspect(&id[..12])?;
        let state = &exited["State"];
        ensure!(
            state["Status"] == "exited" && state["ExitCode"] == 4 && state["Running"] == false,
            "{state}"
        );
        ensure!(
            state["Pid"] == 0 && state["FinishedAt"] != "0001-01-01T00:00:00Z",
            "{state}"
        );
        case.says("logs box", "hi")?;
        // A second start runs it again.
        case.run("start -a box")?.code_is(4)?.says("hi")?;
        case.says("logs box", "hi\nhi")?;
        case.says(&format!("rm {}", &id[..10]), &id[..10])?;
        case.fails("inspect box", 1, "No such")?;
        Ok(())
    })
}

#[test]
fn list_shows_what_there_is() -> Result<()> {
    both(&["busybox"], |case| {
        let running = case.ok("run -d --name running -l color=red -p 127.0.0.1:8080:80 busybox sleep 1000")?;
        case.ok("run --name gone busybox sh -c 'exit 9'").err();
        case.says("ps -q --no-trunc", &running)?;
        case.says(
            "ps -a --format '{{.Names}} {{.Image}} {{.Command}}' --no-trunc --filter name=gone",
            "gone busybox \"sh -c 'exit 9'\"",
        )?;
        let table = case.ok("ps -a")?;
        ensure!(table.starts_with("CONTAINER ID   IMAGE     COMMAND"), "{table}");
        ensure!(
            table.contains("127.0.0.1:8080->80/tcp") && table.contains("Exited (9)") && table.contains("Up "),
            "{table}"
        );
        case.says("ps -aq --filter label=color=red --no-trunc", &running)?;
        case.says("ps -aq --filter status=exited --filter label=color=red", "")?;
        case.says("ps --filter ancestor=busybox --format '{{.Names}}'", "running")?;
        case.says("ps -l --format '{{.Names}}'", "gone")?;
        case.ok("rm -f running gone")?;
        Ok(())
    })
}

#[test]
fn stop_kill_and_remove_follow_the_rules() -> Result<()> {
    both(&["busybox"], |case| {
        let id = case.ok("run -d --name box busybox sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'")?;
        case.fails(
            "rm box",
            1,
            "cannot remove container \"box\": container is running: stop the container before removing or force remove",
        )?;
        case.says("stop -t 1 box", "box")?;
        case.says("inspect -f '{{.State.ExitCode}}' box", "137")?;
        case.says("stop box", "box")?;
        case.fails(
            "kill box",
            1,
            &format!("cannot kill container: box: container {id} is not running"),
        )?;
        case.ok("restart -t 1 box")?;
        case.says("inspect -f '{{.State.Running}}' box", "true")?;
        case.fails("kill -s NOSUCH box", 1, "invalid signal: NOSUCH")?;
        case.says("rm -f box", "box")?;
        case.fails("stop box", 1, "No such container: box")?;
        case.fails("start box", 1, "No such container: box")?;
        case.fails("rm box", 1, "No such container: box")?;
        Ok(())
    })
}

#[test]
fn restart_policies() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name fail --restart on-failure:2 busybox sh -c 'echo again; exit 5'")?;
        until(LIMIT, "two restarts", || {
            let state = case.inspect("fail").ok()?;
            (state["RestartCount"] == 2 && state["State"]["Status"] == "exited").then_some(())
        })?;
        case.says("logs fail", "again\nagain\nagain")?;
        case.says("inspect -f '{{.State.ExitCode}}' fail", "5")?;
        case.ok("rm fail")?;
        case.ok("run -d --name always --restart always busybox sleep 1000")?;
        let pid = case.inspect("always")?["State"]["Pid"].to_string();
        case.script(&format!("kill -9 {pid}"))?.success()?;
        until(LIMIT, "a restart", || {
            let state = case.inspect("always").ok()?;
            (state["RestartCount"] == 1 && state["State"]["Running"] == true).then_some(())
        })?;
        case.ok("stop -t 0 always")?;
        case.says("inspect -f '{{.State.Status}}' always", "exited")?;
        case.ok("rm always")?;
        Ok(())
    })
}

#[test]
fn names_are_unique_and_ids_have_prefixes() -> Result<()> {
    both(&["busybox"], |case| {
        let id = case.ok("create --name taken busybox")?;
        let text = format!(
            "Conflict. The container name \"/taken\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
        );
        case.fails("create --name taken busybox", 1, &text)?;
        case.fails(
            "create --name '/bad name' busybox",
            1,
            "Invalid container name (/bad name), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
        )?;
        case.says(&format!("inspect -f '{{{{.Name}}}}' {}", &id[..4]), "/taken")?;
        case.ok("rm taken")?;
        let unnamed = case.ok("create busybox")?;
        let name = case.ok(&format!("inspect -f '{{{{.Name}}}}' {unnamed}"))?;
        ensure!(
            name.trim_start_matches('/').split('_').count() == 2,
            "generated name {name}"
        );
        case.ok(&format!("rm {unnamed}"))?;
        Ok(())
    })
}

#[test]
fn waiting_is_told_the_next_exit_and_the_removal() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name wait --rm busybox sh -c 'exit 6'")?;
        let path = "/v1.51/containers/wait/wait?condition=removed";
        let mut stream = http::send(&case.daemon.socket_outside(), "POST", path, "", "Connection: close\r\n")?;
        // The head of the answer comes at once, so that the client knows that it will miss nothing.
        let head = http::read_head(&mut stream)?;
        ensure!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        case.ok("start wait")?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        ensure!(said.contains("{\"StatusCode\":6}"), "{said}");
        case.fails("inspect wait", 1, "No such")?;
        Ok(())
    })
}

/// Docker waits for ever in effect; it must not be the owner's end.
#[test]
fn a_stop_may_have_more_patience_than_clocks_have_time() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let path = format!("/v1.51/containers/box/stop?t={}", i64::MAX);
        let waits = http::send(&case.daemon.socket_outside(), "POST", &path, "", "")?;
        case.says("kill box", "box")?;
        drop(waits);
        case.says("inspect -f '{{.State.Status}}' box", "exited")?;
        case.ok("rm box").map(drop)
    })
}

/// A wait for the next end is not answered with a failed start of before.
#[test]
fn start_and_wait_after_a_start_that_failed() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create --name box -v /tmp/start-and-wait:/data busybox /data/program")?;
        case.run("start -a box")?
            .code_is(1)?
            .mentions("no such file or directory")?;
        case.script(
            "printf '#!/bin/sh\nexit 3\n' > /tmp/start-and-wait/program; chmod +x /tmp/start-and-wait/program",
        )?
        .success()?;
        case.run("start -a box")?.code_is(3)?;
        case.script("rm -r /tmp/start-and-wait")?.success()?;
        case.ok("rm box").map(drop)
    })
}
