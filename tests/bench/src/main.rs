//! `corten-bench`: measures what docs/performance.md promises, in one run, as ratios to the floor
//! (`unshare` and `chroot` of the same program) and to the peers that are installed.
//!
//! Runs itself again inside a sandbox of fresh namespaces, so that it needs no other engine stopped
//! and leaves nothing. Prints the table of docs/performance.md. Judges nothing. `BENCH=logs,sizes`
//! measures these groups alone ([`select::GROUPS`]).
//!
//! Peers, each used where it is found: `dockerd` and `docker` in `$PEERS/bin` (a daemon of its own is
//! started inside the sandbox and stopped at the end), `podman` in PATH.

mod clients;
mod engine;
mod files;
mod floor;
mod kernel;
mod logs;
mod many;
mod memory;
mod names;
mod networks;
mod nginx;
mod peers;
mod process;
mod sample;
mod scale;
mod select;
mod single;
mod sizes;
mod startup;
mod table;
mod throughput;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use corten_testkit::{Sandbox, programs};

use crate::select::Selection;
use crate::table::Table;

fn main() -> Result<()> {
    let selection = Selection::parse(std::env::var("BENCH").ok().as_deref())?;
    match std::env::args().nth(1).as_deref() {
        Some("inside") => inside(&selection),
        Some("resolve") => names::resolve(&std::env::args().nth(2).context("which name?")?),
        _ => outside(),
    }
}

/// Makes the sandbox and runs this program in it.
fn outside() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let status = sandbox
        .command(std::env::current_exe()?)
        .arg("inside")
        .env("CORTEN_BENCH_SCRATCH", sandbox.scratch())
        .env("CORTEN_BENCH_CGROUP", sandbox.cgroup_parent())
        .env("CORTEN_TEST_PROGRAMS", programs::directory()?)
        .status()?;
    anyhow::ensure!(status.success(), "the measurement ended with {status}");
    Ok(())
}

/// The groups. What a Docker in the same network namespace would slow down comes before it is started.
fn inside(selection: &Selection) -> Result<()> {
    let scratch = std::env::var_os("CORTEN_BENCH_SCRATCH").context("run corten-bench without arguments")?;
    let scratch = PathBuf::from(scratch);
    let has = |group| selection.has(group);
    let mut table = Table::new();
    let floor = floor::Floor::prepare(&scratch)?;
    let mut corten = engine::Engine::corten(&scratch)?;

    has("sizes").then(|| sizes::programs(&mut table)).transpose()?;
    has("memory").then(|| memory::idle(&corten, &mut table)).transpose()?;
    has("lives")
        .then(|| memory::after_many_lives(&corten, &mut table))
        .transpose()?;
    has("ports")
        .then(|| throughput::published(&corten, &mut table))
        .transpose()?;
    has("scale")
        .then(|| scale::nine_hundred(&corten, &mut table))
        .transpose()?;
    has("names").then(|| names::measure(&corten, &mut table)).transpose()?;
    has("networks")
        .then(|| networks::measure(&corten, &mut table))
        .transpose()?;
    has("files")
        .then(|| files::measure(&corten, &scratch, &mut table))
        .transpose()?;
    has("stats").then(|| networks::stats(&corten, &mut table)).transpose()?;
    let nginx = has("nginx").then(|| nginx::measure(&corten)).transpose()?.flatten();

    let peers = peers::Peers::find(&scratch)?;
    if let Some(ours) = nginx {
        let theirs = peers.docker.as_ref().map(nginx::measure).transpose()?.flatten();
        nginx::report(&ours, theirs.as_ref(), &mut table);
    }
    has("logs")
        .then(|| logs::measure(&floor, &corten, &peers, &mut table))
        .transpose()?;
    has("run")
        .then(|| single::run(&floor, &corten, &peers, &mut table))
        .transpose()?;
    has("socket")
        .then(|| single::over_socket(&corten, &peers, &mut table))
        .transpose()?;
    has("cpu").then(|| single::cpu(&corten, &mut table)).transpose()?;
    has("docker")
        .then(|| clients::docker_client(&corten, &mut table))
        .transpose()?;
    has("clients")
        .then(|| clients::measure(&corten, &peers, &mut table))
        .transpose()?;
    has("many")
        .then(|| many::detached(&corten, &peers, &mut table))
        .transpose()?;
    has("churn").then(|| many::churn(&corten, &mut table)).transpose()?;
    has("many").then(|| many::ports(&corten, &mut table)).transpose()?;
    has("startup")
        .then(|| startup::empty(&mut corten, &mut table))
        .transpose()?;
    has("startup")
        .then(|| startup::with_two_hundred(&mut corten, &mut table))
        .transpose()?;
    peers.stop();
    corten.stop()?;
    table.print();
    Ok(())
}
