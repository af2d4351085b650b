//! The client programs: their own start, and small commands against what Docker's take.

use anyhow::{Context as _, Result};

use crate::engine::Engine;
use crate::many::start_sleepers;
use crate::peers::Peers;
use crate::process;
use crate::sample::alternate;
use crate::table::Table;

const ROUNDS: usize = 50;
const PEER_ROUNDS: usize = 10;

/// `--version`, `ps` with 200 running, `exec`.
pub(crate) fn measure(corten: &Engine, peers: &Peers, table: &mut Table) -> Result<()> {
    version(corten, table)?;
    compared(
        "`corten ps` with 200 running",
        "10 times faster",
        (corten, peers),
        200,
        &["ps"],
        table,
    )?;
    compared(
        "`corten exec C true`",
        "12 times faster",
        (corten, peers),
        1,
        &["exec", "C", "true"],
        table,
    )?;
    compared(
        "`corten inspect C`",
        "10 times faster",
        (corten, peers),
        1,
        &["inspect", "C"],
        table,
    )
}

/// Processor time of `corten --version`: that of all reaped children over many runs, since one is below the clock's tick.
fn version(corten: &Engine, table: &mut Table) -> Result<()> {
    const RUNS: u64 = 500;
    let before = process::cpu_ms(std::process::id())?;
    for _ in 0..RUNS {
        corten.command(&["--version"])?;
    }
    // Starting them is this program's own time and goes in too.
    let each = (process::cpu_ms(std::process::id())? - before) as f64 / RUNS as f64;
    table.row(
        "`corten --version`, processor time with its start, ms",
        "3",
        format!("{each:.2}"),
    );
    Ok(())
}

/// One command of both clients, `C` being a container, with `running` sleepers on each side.
fn compared(
    figure: &str,
    target: &str,
    (corten, peers): (&Engine, &Peers),
    running: usize,
    arguments: &[&str],
    table: &mut Table,
) -> Result<()> {
    let docker = peers.docker.as_ref();
    let ours = prepared(corten, running, arguments)?;
    let mut ours = || corten.command(&borrow(&ours)).map(drop);
    let Some(docker) = docker else {
        let sample = alternate(ROUNDS, &mut [&mut ours])?.remove(0);
        table.row(figure, target, format!("{} ms; no docker here", sample.text()));
        return corten.clear();
    };
    let theirs = prepared(docker, running, arguments)?;
    let mut theirs = || docker.command(&borrow(&theirs)).map(drop);
    let samples = alternate(PEER_ROUNDS, &mut [&mut ours, &mut theirs])?;
    table.row(
        figure,
        target,
        format!(
            "docker {} ms, corten {} ms: {:.1} times faster (median)",
            samples[1].text(),
            samples[0].text(),
            samples[1].median() / samples[0].median()
        ),
    );
    corten.clear()?;
    docker.clear()
}

/// Starts the sleepers and puts the name of one in the place of `C`.
fn prepared(engine: &Engine, running: usize, arguments: &[&str]) -> Result<Vec<String>> {
    start_sleepers(engine, running, 8)?;
    let ids = engine.command(&["ps", "-q"])?;
    let first = ids.lines().next().context("a container runs")?;
    Ok(arguments
        .iter()
        .map(|argument| if *argument == "C" { first } else { argument })
        .map(str::to_owned)
        .collect())
}

fn borrow(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Docker's own client against this daemon: `run` beside its `version`, which is the least it needs.
pub(crate) fn docker_client(corten: &Engine, table: &mut Table) -> Result<()> {
    if !corten_testkit::skip::has_program("docker") {
        eprintln!("bench: no docker client in PATH");
        return Ok(());
    }
    let docker = |arguments: &[&str]| corten.command_of("docker".as_ref(), arguments).map(drop);
    let samples = alternate(
        ROUNDS,
        &mut [&mut || docker(&["version"]), &mut || {
            docker(&["run", "--rm", "busybox", "true"])
        }],
    )?;
    table.row(
        "docker CLI's `run --rm busybox true` against cortend, above its `version`, ms",
        "15",
        format!(
            "version {}, run {}: {:.1} more (median)",
            samples[0].text(),
            samples[1].text(),
            samples[1].median() - samples[0].median()
        ),
    );
    Ok(())
}
