//! Many containers at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::engine::Engine;
use crate::memory;
use crate::peers::Peers;
use crate::process;
use crate::sample::{Sample, time};
use crate::table::Table;

/// A container that runs until it is removed.
pub(crate) const SLEEPER: &str = r#"{"Image":"busybox","Cmd":["sleep","100000"]}"#;

/// Starts `count` sleepers, `parallel` at a time, over the socket; containers per second.
pub(crate) fn start_sleepers(engine: &Engine, count: usize, parallel: usize) -> Result<f64> {
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            while next.fetch_add(1, Ordering::Relaxed) < count {
                let id = engine.create(SLEEPER)?;
                engine.request("POST", &format!("/v1.47/containers/{id}/start"), "")?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..parallel).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a starter panicked"))?)
    })?;
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// 200 detached at 8 at a time, memory with them, and their removal.
pub(crate) fn detached(corten: &Engine, peers: &Peers, table: &mut Table) -> Result<()> {
    let sequential = start_sleepers(corten, 50, 1)?;
    table.row(
        "detached containers per second, one after the other",
        "70",
        format!("{sequential:.0}"),
    );
    corten.clear()?;
    let rate = start_sleepers(corten, 200, 8)?;
    table.row(
        "detached containers per second, 8 at a time",
        "100",
        format!("{rate:.0}"),
    );
    memory::with_containers(corten, table)?;
    let ids = corten.command(&["ps", "-q"])?;
    let ids: Vec<&str> = ids.lines().collect();
    let removal = time(|| corten.command(&[&["rm", "-f"], ids.as_slice()].concat()).map(drop))?;
    table.row(
        "`rm -f` of 200 running, s",
        "1",
        format!("{:.2} ({} containers)", removal.as_secs_f64(), ids.len()),
    );
    if let Some(docker) = &peers.docker {
        let rate = start_sleepers(docker, 30, 8)?;
        table.row("dockerd, detached per second, 8 at a time", "-", format!("{rate:.1}"));
        docker.clear()?;
    }
    Ok(())
}

/// Latency of `run --rm` while others start and die.
pub(crate) fn churn(corten: &Engine, table: &mut Table) -> Result<()> {
    const BACKGROUND: usize = 200;
    let done = AtomicBool::new(false);
    let lives = AtomicUsize::new(0);
    let mut durations = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        let background = || -> Result<()> {
            while lives.fetch_add(1, Ordering::Relaxed) < BACKGROUND {
                corten.whole_life()?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(background)).collect();
        let measured = scope.spawn(|| -> Result<Vec<std::time::Duration>> {
            let mut durations = Vec::new();
            while !done.load(Ordering::Relaxed) {
                durations.push(time(|| corten.command(&["run", "--rm", "busybox", "true"]).map(drop))?);
            }
            Ok(durations)
        });
        let outcome: Result<()> = workers
            .into_iter()
            .try_for_each(|worker| worker.join().ok().context("a worker panicked")?);
        done.store(true, Ordering::Relaxed);
        durations = measured.join().ok().context("the measurement panicked")??;
        outcome
    })?;
    let count = durations.len();
    let sample = Sample::new(durations);
    let ratio = sample.percentile_99() / sample.median();
    table.row(
        "`corten run --rm busybox true` while 200 others start and die: 99th percentile",
        "5 times the median",
        format!(
            "median {:.1} ms, 99th {:.1} ms of {count}: {ratio:.1} times",
            sample.median(),
            sample.percentile_99()
        ),
    );
    Ok(())
}

/// Processes that a published port costs.
pub(crate) fn ports(corten: &Engine, table: &mut Table) -> Result<()> {
    let before = process::count()?;
    corten.command(&[
        "run",
        "-d",
        "-p",
        "18080:80",
        "-p",
        "18081:81",
        "-p",
        "18082:82/udp",
        "busybox",
        "sleep",
        "100000",
    ])?;
    // The container's own process and its shim.
    let more = process::count()?.saturating_sub(before + 2);
    table.row("processes for three published ports", "0", more.to_string());
    corten.clear()
}
