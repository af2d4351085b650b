//! What a network and a published port cost.

use anyhow::{Context as _, Result};

use crate::engine::Engine;
use crate::sample::{Sample, alternate, time};
use crate::table::Table;

const NETWORKS: usize = 20;
const ROUNDS: usize = 40;
/// Ports that are published already.
const OTHERS: u32 = 1_000;

/// A network made; a port published beside a thousand others.
pub(crate) fn measure(corten: &Engine, table: &mut Table) -> Result<()> {
    create(corten, table)?;
    publish(corten, table)
}

fn create(corten: &Engine, table: &mut Table) -> Result<()> {
    let name = |number: usize| format!("bench-{number}");
    let make = |number| {
        let body = format!(r#"{{"Name":"{}"}}"#, name(number));
        time(|| corten.request("POST", "/v1.47/networks/create", &body).map(drop))
    };
    let durations = (0..NETWORKS).map(make).collect::<Result<Vec<_>>>()?;
    for number in 0..NETWORKS {
        corten.request("DELETE", &format!("/v1.47/networks/{}", name(number)), "")?;
    }
    let figure = format!("a network made, one of {NETWORKS}, ms min / median");
    table.row(&figure, "5", Sample::new(durations).text());
    Ok(())
}

/// Start of a container with a port against one without, in turn.
fn publish(corten: &Engine, table: &mut Table) -> Result<()> {
    for first in (20_000..20_000 + OTHERS).step_by(100) {
        let range = format!("{first}-{}:{first}-{}", first + 99, first + 99);
        corten.command(&["run", "-d", "-p", &range, "busybox", "sleep", "100000"])?;
    }
    let without = r#"{"Image":"busybox","Cmd":["sleep","100000"]}"#;
    let with = r#"{"Image":"busybox","Cmd":["sleep","100000"],"ExposedPorts":{"80/tcp":{}},
                   "HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"18091"}]}}}"#;
    let mut starts = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (body, starts) in [without, with].into_iter().zip(&mut starts) {
            let id = corten.create(body)?;
            let start = || corten.request("POST", &format!("/v1.47/containers/{id}/start"), "");
            starts.push(time(|| start().map(drop))?);
            corten.request("DELETE", &format!("/v1.47/containers/{id}?force=1"), "")?;
        }
    }
    let [without, with] = starts.map(Sample::new);
    table.row(
        &format!("a port published with {OTHERS} others: start with it above start without, ms"),
        "1",
        format!(
            "without {}, with {}: {:.2} more (median)",
            without.text(),
            with.text(),
            with.median() - without.median()
        ),
    );
    corten.clear()
}

/// Processor time of `stats --no-stream`, the client's and the daemon's.
pub(crate) fn stats(corten: &Engine, table: &mut Table) -> Result<()> {
    const RUNS: u64 = 5;
    crate::kernel::forget_dead_groups()?;
    crate::many::start_sleepers(corten, 200, 8)?;
    corten.command(&["stats", "--no-stream"])?;
    let own = std::process::id();
    let used = || -> Result<u64> { Ok(crate::process::cpu_ms(own)? + crate::process::cpu_ms(corten.pid())?) };
    let before = used()?;
    let mut act = || corten.command(&["stats", "--no-stream"]).map(drop);
    let sample = alternate(usize::try_from(RUNS)? - 1, &mut [&mut act])?;
    let each = (used()? - before) as f64 / RUNS as f64;
    let sample = sample.first().context("one act")?;
    table.row(
        "`corten stats --no-stream` of 200, processor time of client and daemon, ms",
        "100",
        format!("{each:.0}; elapsed {}", sample.text()),
    );
    corten.clear()
}
