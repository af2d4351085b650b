//! Bad input over the API: Docker's status, Docker's message, and nothing left behind.

use std::io::{Read as _, Write as _};

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, one};
use corten_testkit::http;
use corten_testkit::wait::until_ok;

/// Method, path, body, status, message. `{ID}` is the id of a stopped container named `there`.
const TABLE: &[(&str, &str, &str, u16, &str)] = &[
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"nosuch"}"#,
        404,
        "No such image: nosuch:latest",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        "{}",
        400,
        "config cannot be empty in order to create a container",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":""}"#,
        400,
        "no command specified",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox"}{"#,
        400,
        "unexpected content after JSON",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image""#,
        400,
        "invalid JSON: unexpected EOF",
    ),
    (
        "POST",
        "/v1.51/containers/create?name=there",
        r#"{"Image":"busybox"}"#,
        409,
        "Conflict. The container name \"/there\" is already in use by container \"{ID}\". You have to remove (or rename) that container to be able to reuse that name.",
    ),
    (
        "POST",
        "/v1.51/containers/create?name=-bad",
        r#"{"Image":"busybox"}"#,
        400,
        "Invalid container name (-bad), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox","HostConfig":{"CapAdd":["NOSUCH"]}}"#,
        400,
        "invalid CapAdd: unknown capability: \"CAP_NOSUCH\"",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox","HostConfig":{"RestartPolicy":{"Name":"sometimes"}}}"#,
        400,
        "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox","HostConfig":{"Memory":1000}}"#,
        400,
        "Minimum memory limit allowed is 6MB",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox","HostConfig":{"Binds":["/x:relative"]}}"#,
        500,
        "invalid volume specification: '/x:relative': invalid mount config for type \"bind\": invalid mount path: 'relative' mount path must be absolute",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox","WorkingDir":"relative"}"#,
        400,
        "the working directory 'relative' is invalid, it needs to be an absolute path",
    ),
    (
        "POST",
        "/v1.51/containers/create",
        r#"{"Image":"busybox","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"x"}]}}}"#,
        400,
        "invalid port specification: \"x\"",
    ),
    (
        "POST",
        "/v1.51/containers/nosuch/start",
        "",
        404,
        "No such container: nosuch",
    ),
    (
        "POST",
        "/v1.51/containers/nosuch/stop",
        "",
        404,
        "No such container: nosuch",
    ),
    (
        "POST",
        "/v1.51/containers/nosuch/wait",
        "",
        404,
        "No such container: nosuch",
    ),
    (
        "GET",
        "/v1.51/containers/nosuch/json",
        "",
        404,
        "No such container: nosuch",
    ),
    (
        "GET",
        "/v1.51/containers/nosuch/logs?stdout=1",
        "",
        404,
        "No such container: nosuch",
    ),
    (
        "GET",
        "/v1.51/containers/there/logs",
        "",
        400,
        "Bad parameters: you must choose at least one stream",
    ),
    (
        "DELETE",
        "/v1.51/containers/nosuch",
        "",
        404,
        "No such container: nosuch",
    ),
    (
        "POST",
        "/v1.51/containers/there/kill",
        "",
        409,
        "cannot kill container: there: container {ID} is not running",
    ),
    (
        "POST",
        "/v1.51/containers/there/kill?signal=NOSUCH",
        "",
        400,
        "cannot kill container: there: invalid signal: NOSUCH",
    ),
    (
        "POST",
        "/v1.51/containers/there/exec",
        r#"{"Cmd":["true"]}"#,
        409,
        "container {ID} is not running",
    ),
    (
        "POST",
        "/v1.51/containers/there/exec",
        r#"{"Cmd":[]}"#,
        400,
        "No exec command specified",
    ),
    (
        "POST",
        "/v1.51/exec/nosuch/start",
        "{}",
        404,
        "No such exec instance: nosuch",
    ),
    (
        "GET",
        "/v1.51/exec/nosuch/json",
        "",
        404,
        "No such exec instance: nosuch",
    ),
    (
        "POST",
        "/v1.51/containers/there/wait?condition=never",
        "",
        400,
        "invalid condition: \"never\"",
    ),
    (
        "POST",
        "/v1.51/containers/there/resize?h=x&w=1",
        "",
        400,
        "invalid resize height \"x\": invalid syntax",
    ),
    (
        "POST",
        "/v1.51/containers/there/resize?h=10&w=20",
        "",
        409,
        "container {ID} is not running",
    ),
    ("GET", "/v1.51/containers/json?filters=x", "", 400, "invalid filter"),
    (
        "GET",
        "/v1.51/containers/json?filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D",
        "",
        400,
        "invalid filter 'nosuch'",
    ),
    (
        "GET",
        "/v1.51/images/nosuch/json",
        "",
        404,
        "No such image: nosuch:latest",
    ),
    ("GET", "/v1.51/images/nosuch/get", "", 404, "No such image: nosuch"),
    ("GET", "/v1.51/images/nosuch:1/get", "", 404, "reference does not exist"),
    (
        "GET",
        "/v1.51/images/get?names=busybox&names=nosuch",
        "",
        404,
        "No such image: nosuch",
    ),
    (
        "GET",
        "/v1.51/images/UPPER/get",
        "",
        500,
        "invalid reference format: repository name (library/UPPER) must be lowercase",
    ),
    (
        "DELETE",
        "/v1.51/images/nosuch",
        "",
        404,
        "No such image: nosuch:latest",
    ),
    (
        "POST",
        "/v1.51/images/busybox/tag?repo=UPPER",
        "",
        400,
        "invalid reference format: repository name (library/UPPER) must be lowercase",
    ),
    (
        "POST",
        "/v1.51/images/nosuch/tag?repo=a",
        "",
        404,
        "No such image: nosuch:latest",
    ),
];

#[test]
fn the_table_of_bad_requests() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("create --name there busybox true")?;
        let mut wrong = Vec::new();
        for (method, path, body, status, message) in TABLE {
            let refused = case.refuses(method, path, body, *status, &message.replace("{ID}", &id));
            wrong.extend(refused.err().map(|error| error.to_string()));
        }
        case.ok("rm there")?;
        ensure!(
            wrong.is_empty(),
            "{} of {} differ:\n{}",
            wrong.len(),
            TABLE.len(),
            wrong.join("\n")
        );
        Ok(())
    })
}

#[test]
fn repeated_requests_get_304() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        ensure!(
            case.api("POST", "/v1.51/containers/box/start", "")?.0 == 304,
            "start of a running one"
        );
        case.ok("stop -t 0 box")?;
        ensure!(
            case.api("POST", "/v1.51/containers/box/stop", "")?.0 == 304,
            "stop of a stopped one"
        );
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn bodies_need_their_type() -> Result<()> {
    one(&["busybox"], |case| {
        let mut stream = http::connect(&case.daemon.socket_outside())?;
        let body = r#"{"Image":"busybox"}"#;
        let head = format!(
            "POST /v1.51/containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        ensure!(
            said.starts_with("HTTP/1.1 400")
                && said.contains("unsupported Content-Type header (text/plain): must be 'application/json'"),
            "{said}"
        );
        Ok(())
    })
}

/// What is not HTTP, not finished, or not read: the daemon answers or hangs up, and lives on.
#[test]
fn garbage_and_vanishing_clients() -> Result<()> {
    one(&["busybox"], |case| {
        let socket = case.daemon.socket_outside();
        let openings: [&[u8]; 7] = [
            b"",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
            b"GET",
            b"GET /v1.51/info HTTP/1.1\r\nHost: ",
            b"POST /v1.51/containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"Image\":",
            b"POST /v1.51/images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            b"POST /v1.51/containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ];
        for opening in openings {
            for half_close in [false, true] {
                let mut stream = http::connect(&socket)?;
                stream.write_all(opening)?;
                if half_close {
                    stream.shutdown(std::net::Shutdown::Write)?;
                    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
                    let mut rest = Vec::new();
                    drop(stream.read_to_end(&mut rest));
                }
            }
        }
        let mut long = http::connect(&socket)?;
        // The daemon may hang up before all of it is written.
        drop(long.write_all(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(4_000_000)).as_bytes()));
        drop(long);
        // Clients that ask and go without reading.
        for path in [
            "/v1.51/events",
            "/v1.51/info",
            "/v1.51/containers/json",
            "/v1.51/images/busybox/get",
        ] {
            drop(http::send(&socket, "GET", path, "", "")?);
        }
        case.says("run --rm busybox echo alive", "alive")?;
        let descriptors =
            || -> Result<usize> { Ok(std::fs::read_dir(format!("/proc/{}/fd", case.daemon.pid()?))?.count()) };
        until_ok(LIMIT, "the connections' end", || {
            let count = descriptors()?;
            ensure!(count < 60, "{count} descriptors are open");
            Ok(())
        })
    })
}

/// A client that goes while `wait`, `logs -f` or a start is under way takes nothing with it.
#[test]
fn clients_vanish_in_the_middle() -> Result<()> {
    one(&["busybox"], |case| {
        let socket = case.daemon.socket_outside();
        case.ok("create --name box busybox sh -c 'while :; do echo x; sleep 0.01; done'")?;
        drop(http::send(&socket, "POST", "/v1.51/containers/box/start", "", "")?);
        // A start whose client has gone may be given up; whole it must be in any case.
        until_ok(LIMIT, "the start", || case.ok("start box"))?;
        until_ok(LIMIT, "the container", || {
            case.says("inspect -f '{{.State.Running}}' box", "true")
        })?;
        for _ in 0..20 {
            let mut logs = http::send(&socket, "GET", "/v1.51/containers/box/logs?follow=1&stdout=1", "", "")?;
            http::read_head(&mut logs)?;
            drop(http::send(&socket, "POST", "/v1.51/containers/box/wait", "", "")?);
        }
        drop(http::send(&socket, "DELETE", "/v1.51/containers/box?force=1", "", "")?);
        until_ok(LIMIT, "the removal", || case.fails("inspect box", 1, "No such"))?;
        Ok(())
    })
}
