//! `--metrics-addr`.

use anyhow::{Context as _, Result, ensure};
use corten_testkit::Daemon;

use super::{can_run, daemon};

/// The value of a series of the page.
fn value(daemon: &Daemon, series: &str) -> Result<f64> {
    let page = daemon
        .sandbox
        .script("curl -s --max-time 20 http://127.0.0.1:9323/metrics")?
        .success()?;
    let line = page
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
    let line = line.with_context(|| format!("{series} is missing:\n{}", page.text()))?;
    line.parse().with_context(|| format!("{series} {line}"))
}

#[test]
fn metrics_count_what_happens() -> Result<()> {
    if !can_run("metrics_count_what_happens")? {
        return Ok(());
    }
    let mut daemon = daemon(|_| Ok(["--metrics-addr", "127.0.0.1:9323"].map(str::to_owned).into()))?;
    let states = "engine_daemon_container_states_containers";
    let expect = |daemon: &Daemon, running: f64, paused: f64, stopped: f64| -> Result<()> {
        for (state, count) in [("running", running), ("paused", paused), ("stopped", stopped)] {
            let found = value(daemon, &format!("{states}{{state=\"{state}\"}}"))?;
            ensure!(found == count, "{state}: want {count}, got {found}");
        }
        Ok(())
    };
    expect(&daemon, 0.0, 0.0, 0.0)?;
    for name in ["ma", "mb"] {
        daemon
            .docker(&["run", "-d", "--name", name, "busybox", "sleep", "1000"])?
            .success()?;
    }
    daemon
        .docker(&["create", "--name", "mc", "busybox", "true"])?
        .success()?;
    daemon.docker(&["pause", "mb"])?.success()?;
    expect(&daemon, 1.0, 1.0, 1.0)?;
    ensure!(
        value(
            &daemon,
            "engine_daemon_container_actions_seconds_count{action=\"start\"}"
        )? == 2.0
    );
    ensure!(
        value(
            &daemon,
            "engine_daemon_container_actions_seconds_count{action=\"create\"}"
        )? == 3.0
    );
    ensure!(value(&daemon, "engine_daemon_events_total")? >= 6.0);
    ensure!(value(&daemon, "engine_daemon_engine_cpus_cpus")? >= 1.0);
    ensure!(value(&daemon, "process_resident_memory_bytes")? > 1e6);
    // What was there is counted again by the next daemon.
    daemon.kill()?;
    daemon.launch()?;
    expect(&daemon, 1.0, 1.0, 1.0)?;
    daemon.docker(&["rm", "-f", "ma", "mb", "mc"])?.success()?;
    expect(&daemon, 0.0, 0.0, 0.0)?;
    let other = daemon
        .sandbox
        .script("curl -si --max-time 20 http://127.0.0.1:9323/containers/json")?;
    ensure!(other.text().starts_with("HTTP/1.1 404"), "{other}");
    daemon.leaves_nothing()
}
