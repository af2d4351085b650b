//! `corten-bench`: measures what docs/performance.md promises, in one run, as ratios to the floor
//! (`unshare` and `chroot` of the same program) and to the peers that are installed.
//!
//! Runs itself again inside a sandbox of fresh namespaces, so that it needs no other engine stopped
//! and leaves nothing. Prints the table of docs/performance.md. Judges nothing.
//!
//! Peers, each used where it is found: `dockerd` and `docker` in `$PEERS/bin` (a daemon of its own is
//! started inside the sandbox and stopped at the end), `podman` in PATH.

mod engine;
mod floor;
mod many;
mod memory;
mod peers;
mod process;
mod sample;
mod single;
mod startup;
mod table;

use anyhow::{Context as _, Result};
use corten_testkit::{Sandbox, programs};

use crate::table::Table;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("inside") => inside(),
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

fn inside() -> Result<()> {
    let scratch = std::env::var_os("CORTEN_BENCH_SCRATCH").context("run corten-bench without arguments")?;
    let scratch = std::path::PathBuf::from(scratch);
    let mut table = Table::new();
    let floor = floor::Floor::prepare(&scratch)?;
    let mut corten = engine::Engine::corten(&scratch)?;
    let peers = peers::Peers::find(&scratch)?;

    memory::idle(&corten, &mut table)?;
    single::run(&floor, &corten, &peers, &mut table)?;
    single::over_socket(&corten, &peers, &mut table)?;
    single::cpu(&corten, &mut table)?;
    many::detached(&corten, &peers, &mut table)?;
    many::churn(&corten, &mut table)?;
    many::ports(&corten, &mut table)?;
    startup::empty(&mut corten, &mut table)?;
    startup::with_two_hundred(&mut corten, &mut table)?;
    peers.stop();
    corten.stop()?;
    table.print();
    Ok(())
}
