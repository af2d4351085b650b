//! Memory as proportional set size.

use anyhow::Result;

use crate::engine::Engine;
use crate::process;
use crate::table::Table;

/// The daemon before its first container.
pub(crate) fn idle(corten: &Engine, table: &mut Table) -> Result<()> {
    let mib = process::pss_kib(corten.pid())? as f64 / 1024.0;
    table.row("cortend idle, PSS in MiB", "8", format!("{mib:.1}"));
    Ok(())
}

/// The daemon and its shims with containers running.
pub(crate) fn with_containers(corten: &Engine, table: &mut Table) -> Result<()> {
    let daemon = process::pss_kib(corten.pid())? as f64 / 1024.0;
    let shims = process::named("corten-shim")?;
    let sizes = shims
        .iter()
        .map(|pid| process::pss_kib(*pid))
        .collect::<Result<Vec<u64>>>()?;
    let (total, largest) = (sizes.iter().sum::<u64>(), sizes.iter().max().copied().unwrap_or(0));
    let mean = total as f64 / 1024.0 / shims.len().max(1) as f64;
    table.row(
        &format!("cortend with {} running, PSS in MiB", shims.len()),
        "20",
        format!("{daemon:.1}"),
    );
    table.row(
        "a shim, PSS in MiB",
        "0.4",
        format!("mean {mean:.2}, largest {:.2}", largest as f64 / 1024.0),
    );
    Ok(())
}
