//! Whether a start becomes slower with what runs already.

use anyhow::Result;

use crate::engine::Engine;
use crate::many::{SLEEPER, start_sleepers};
use crate::sample::{Sample, time};
use crate::table::Table;

/// How many starts each side of the comparison has.
const STARTS: usize = 20;
/// Running at the end.
const RUNNING: usize = 900;

/// The first containers' create and start against those up to the 900th.
pub(crate) fn nine_hundred(corten: &Engine, table: &mut Table) -> Result<()> {
    corten.clear()?;
    let groups = crate::kernel::forget_dead_groups()?;
    // The first start ever makes the bridge and its rules.
    corten.whole_life()?;
    let first = starts(corten)?;
    start_sleepers(corten, RUNNING - 2 * STARTS, 4)?;
    // What is asked is what it costs that they run, not that they have just been started.
    crate::kernel::settle()?;
    let last = starts(corten)?;
    table.row(
        "the 900th running container's start against the first's (create and start, ms min / median)",
        "1.3 times",
        format!(
            "first {STARTS} {}, to the {RUNNING}th {}: {:.2} times (median); {groups} memory groups before",
            first.text(),
            last.text(),
            last.median() / first.median()
        ),
    );
    corten.clear()
}

fn starts(corten: &Engine) -> Result<Sample> {
    let one = || {
        time(|| {
            let id = corten.create(SLEEPER)?;
            corten
                .request("POST", &format!("/v1.47/containers/{id}/start"), "")
                .map(drop)
        })
    };
    let durations = (0..STARTS).map(|_| one()).collect::<Result<Vec<_>>>()?;
    Ok(Sample::new(durations))
}
