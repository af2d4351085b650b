//! Start of the daemon to its first answer.

use anyhow::Result;

use crate::engine::Engine;
use crate::many;
use crate::sample::Sample;
use crate::table::Table;

const ROUNDS: usize = 10;

/// With images and no container.
pub(crate) fn empty(corten: &mut Engine, table: &mut Table) -> Result<()> {
    corten.clear()?;
    table.row(
        "start to `/_ping`, no containers, ms min / median",
        "20",
        restarts(corten)?.text(),
    );
    Ok(())
}

/// With 200 running and 200 stopped.
pub(crate) fn with_two_hundred(corten: &mut Engine, table: &mut Table) -> Result<()> {
    for _ in 0..200 {
        let id = corten.create(r#"{"Image":"busybox","Cmd":["true"]}"#)?;
        corten.request("POST", &format!("/v1.47/containers/{id}/start"), "")?;
        corten.request("POST", &format!("/v1.47/containers/{id}/wait"), "")?;
    }
    many::start_sleepers(corten, 200, 8)?;
    table.row(
        "start to `/_ping`, 200 stopped and 200 running, ms min / median",
        "100",
        restarts(corten)?.text(),
    );
    let running = corten.command(&["ps", "-q"])?.lines().count();
    anyhow::ensure!(running == 200, "{running} of 200 containers run after the restarts");
    corten.clear()
}

/// Kills and starts the daemon.
fn restarts(corten: &mut Engine) -> Result<Sample> {
    let mut durations = Vec::new();
    for _ in 0..ROUNDS {
        corten.kill()?;
        durations.push(corten.start()?);
    }
    Ok(Sample::new(durations))
}
