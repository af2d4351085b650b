//! SIGHUP and SIGUSR1.

use std::io::{BufRead as _, BufReader, Write as _};

use anyhow::{Context as _, Result, ensure};
use corten_testkit::wait::until_ok;
use corten_testkit::{daemon::signal, http};
use rustix::process::Signal;
use serde_json::Value;

use super::{can_run, daemon, text};

#[test]
fn a_reload_changes_what_docker_changes() -> Result<()> {
    if !can_run("a_reload_changes_what_docker_changes")? {
        return Ok(());
    }
    let mut file = None;
    let first = r#"{"labels":["a=1"],"insecure-registries":["foo:5"],"proxies":{"http-proxy":"http://u:p@h:1"}}"#;
    let daemon = daemon(|sandbox| {
        let path = file.insert(sandbox.scratch().join("daemon.json"));
        std::fs::write(&path, first)?;
        Ok(vec!["--config-file".to_owned(), text(path)?])
    })?;
    let file = file.context("a file")?;
    let info = || -> Result<Value> {
        Ok(serde_json::from_str(
            &http::request(&daemon.socket_outside(), "GET", "/info", "")?.text(),
        )?)
    };
    let before = info()?;
    ensure!(before["Labels"][0] == "a=1" && before["Debug"] == false, "{before}");
    ensure!(
        before["HttpProxy"] == "http://xxxxx:xxxxx@h:1",
        "{}",
        before["HttpProxy"]
    );
    ensure!(before["RegistryConfig"]["IndexConfigs"]["foo:5"]["Secure"] == false);

    let mut events = http::connect(&daemon.socket_outside())?;
    events.write_all(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")?;
    let mut events = BufReader::new(events);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        ensure!(events.read_line(&mut line)? > 0, "the head of the events ends early");
    }
    std::fs::write(
        &file,
        r#"{"debug":true,"labels":["b=2"],"registry-mirrors":["https://m.example"],"max-concurrent-downloads":7,"mtu":1400}"#,
    )?;
    signal(daemon.pid()?, Signal::HUP)?;
    let event = until_ok(corten_e2e::LIMIT, "the event", || {
        let mut line = String::new();
        events.read_line(&mut line)?;
        ensure!(line.starts_with('{'), "the size of a chunk: {line}");
        serde_json::from_str::<Value>(&line).context(line)
    })?;
    ensure!(event["Type"] == "daemon" && event["Action"] == "reload", "{event}");
    ensure!(event["Actor"]["ID"] == before["ID"], "{event}");
    let attributes = &event["Actor"]["Attributes"];
    for (key, value) in [
        ("debug", "true"),
        ("labels", "[\"b=2\"]"),
        ("max-concurrent-downloads", "7"),
        ("registry-mirrors", "[\"https://m.example\"]"),
        ("insecure-registries", "[\"foo:5\"]"),
        ("default-runtime", "runc"),
        ("name", before["Name"].as_str().unwrap_or_default()),
    ] {
        ensure!(attributes[key] == value, "{key}: {attributes}");
    }
    let after = info()?;
    ensure!(after["Labels"][0] == "b=2" && after["Debug"] == true, "{after}");
    ensure!(after["RegistryConfig"]["Mirrors"][0] == "https://m.example/", "{after}");

    std::fs::write(&file, r#"{"bogus":1}"#)?;
    signal(daemon.pid()?, Signal::HUP)?;
    let complaint = "the following directives don't match any configuration option: bogus";
    until_ok(corten_e2e::LIMIT, "the complaint", || {
        let log = daemon.log_tail();
        ensure!(
            log.contains("Error reloading configuration") && log.contains(complaint),
            "{log}"
        );
        Ok(())
    })?;
    ensure!(info()?["Labels"][0] == "b=2");
    daemon.leaves_nothing()
}

#[test]
fn a_daemon_tells_what_it_is_doing() -> Result<()> {
    if !can_run("a_daemon_tells_what_it_is_doing")? {
        return Ok(());
    }
    let daemon = daemon(|_| Ok(Vec::new()))?;
    let get = |path: &str| http::request(&daemon.socket_outside(), "GET", path, "");
    let variables: Value = serde_json::from_str(&get("/debug/vars")?.text())?;
    ensure!(variables["process"]["threads"].as_u64() > Some(0), "{variables}");
    ensure!(
        get("/debug/pprof/goroutine?debug=1")?
            .text()
            .contains("containers: 0 running")
    );
    ensure!(get("/debug/pprof/cmdline")?.text().contains("--data-root"));
    ensure!(get("/debug/pprof/nope")?.status == 404 && get("/debug/pprof")?.status == 404);
    signal(daemon.pid()?, Signal::USR1)?;
    let report = until_ok(corten_e2e::LIMIT, "the report", || {
        let said = daemon.sandbox.script("cat /run/*/cortend-state-*.log")?.success()?;
        ensure!(said.text().contains("settings: "), "{said}");
        Ok(said.text().to_owned())
    })?;
    ensure!(report.starts_with("cortend "), "{report}");
    daemon.docker(&["ps"])?.success()?;
    Ok(())
}
