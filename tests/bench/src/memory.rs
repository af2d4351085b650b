//! Memory as proportional set size.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;

use crate::engine::Engine;
use crate::process;
use crate::table::Table;

/// After this long without clients the daemon has given back what it can.
const QUIET: Duration = Duration::from_secs(30);

/// The daemon before its first container.
pub(crate) fn idle(corten: &Engine, table: &mut Table) -> Result<()> {
    let mib = process::pss_kib(corten.pid())? as f64 / 1024.0;
    table.row("cortend idle, PSS in MiB", "8", format!("{mib:.1}"));
    Ok(())
}

/// The daemon after ten thousand containers that are gone, with a client of events that reads nothing; then with a
/// thousand that have ended and are kept. What grows is told on the way.
pub(crate) fn after_many_lives(corten: &Engine, table: &mut Table) -> Result<()> {
    const LIVES: usize = 10_000;
    const KEPT: usize = 1_000;
    let begin = process::pss_kib(corten.pid())?;
    let above = |from: u64| -> Result<i64> { Ok(process::pss_kib(corten.pid())?.cast_signed() - from.cast_signed()) };
    let mut deaf = UnixStream::connect(&corten.socket)?;
    deaf.write_all(b"GET /v1.47/events HTTP/1.1\r\nHost: d\r\n\r\n")?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= LIVES {
                    return Ok(());
                }
                if number.is_multiple_of(1000) {
                    eprintln!("bench: after {number} lives: {} KiB above the start", above(begin)?);
                }
                corten.whole_life()?;
            }
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        let mut done = workers.into_iter().map(|worker| worker.join());
        done.try_for_each(|done| done.map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    })?;
    drop(deaf);
    let at_once = above(begin)?;
    std::thread::sleep(QUIET);
    table.row(
        "cortend after 10,000 containers created, started, ended and removed, PSS in MiB above the start",
        "2",
        format!(
            "{:.2} at once, {:.2} after half a minute of quiet",
            at_once as f64 / 1024.0,
            above(begin)? as f64 / 1024.0
        ),
    );
    let begin = process::pss_kib(corten.pid())?;
    for _ in 0..KEPT {
        let id = corten.create(r#"{"Image":"busybox","Cmd":["true"]}"#)?;
        corten.request("POST", &format!("/v1.47/containers/{id}/start"), "")?;
        corten.request("POST", &format!("/v1.47/containers/{id}/wait"), "")?;
    }
    table.row(
        "1,000 containers that have ended and are kept, KiB of cortend for each",
        "-",
        format!("{:.1}", above(begin)? as f64 / KEPT as f64),
    );
    corten.clear()?;
    std::thread::sleep(QUIET);
    table.row(
        "the same after their removal, PSS in MiB above the time before them",
        "2",
        format!("{:.2}", above(begin)? as f64 / 1024.0),
    );
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
