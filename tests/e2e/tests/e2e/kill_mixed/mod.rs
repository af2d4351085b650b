//! `kill -9` of the daemon at random moments while workers do everything to containers: what was
//! answered holds, what was not is done or not done, no line of a log is lost, and nothing is left.
//!
//! `CORTEN_KILLS` says how often (the default is for every day), `CORTEN_SEED` repeats a run's
//! choices; its moments are the machine's.

mod model;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use corten_e2e::{Case, is_reference, one};

use self::worker::Worker;

const WORKERS: u64 = 4;

/// A linear congruential generator: as random as a test needs, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    /// Below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn mixed_load() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    let kills = number_from("CORTEN_KILLS").unwrap_or(15);
    let seed = number_from("CORTEN_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 2_654_435_761);
    eprintln!("kill_mixed::mixed_load: CORTEN_SEED={seed} CORTEN_KILLS={kills}");
    one(&["busybox"], |case| {
        case.ok("run -d --name stays -p 8080:80 busybox httpd -f -h /etc")?;
        case.ok("run -d --name counts busybox sh -c 'i=0; while :; do echo $i; i=$((i+1)); usleep 2000; done'")?;
        let pids = pids(case)?;
        let acts = under_load(case, seed, |case, random, is_over| {
            for round in 0..kills {
                if is_over.load(Ordering::Relaxed) {
                    eprintln!("kill_mixed::mixed_load: a worker gave up after {round} kills");
                    return Ok(());
                }
                // The moment is what is random here: nothing is waited for.
                std::thread::sleep(Duration::from_millis(20 + random.below(400) as u64));
                case.daemon.kill()?;
                case.daemon.launch().with_context(|| format!("after kill {round}"))?;
                ensure!(
                    self::pids(case)? == pids,
                    "after kill {round}: {:?} were {pids:?}",
                    self::pids(case)?
                );
            }
            Ok(())
        })?;
        eprintln!("kill_mixed::mixed_load: {kills} kills, {acts} acts");
        case.script("curl -s --max-time 5 http://127.0.0.1:8080/hostname")?
            .success()?;
        ensure_counted(case)?;
        case.ok("rm -f -v stays counts").map(drop)
    })
    .with_context(|| format!("CORTEN_SEED={seed}"))
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn pids(case: &Case) -> Result<String> {
    case.ok("inspect -f '{{.State.Pid}}' stays counts")
}

/// Runs `body` beside the workers; the result is how many acts they did. Everything of theirs is
/// looked at and removed at the end. The body is told when one of them has found something.
fn under_load(
    case: &mut Case,
    seed: u64,
    body: impl FnOnce(&mut Case, &mut Random, &AtomicBool) -> Result<()>,
) -> Result<usize> {
    let socket = case.daemon.socket_outside();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=WORKERS)
            .map(|number| {
                let (socket, is_over) = (socket.clone(), &is_over);
                scope.spawn(move || {
                    let done = work(Worker::new(number, socket, Random(seed ^ number << 32)), is_over);
                    if done.is_err() {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    done.with_context(|| format!("worker {number}"))
                })
            })
            .collect();
        let verdict = body(case, &mut Random(seed), &is_over);
        is_over.store(true, Ordering::Relaxed);
        let (mut acts, mut found) = (0, Vec::new());
        for worker in workers {
            match worker.join().map_err(|_| anyhow!("a worker panicked"))? {
                Ok(done) => acts += done,
                Err(error) => found.push(format!("{error:#}")),
            }
        }
        // Who ends because another one has found something may find no daemon.
        ensure!(found.is_empty(), "{}", found.join("\n"));
        verdict.map(|()| acts)
    })
}

/// One act after the other until all is over; how many.
fn work(mut worker: Worker, is_over: &AtomicBool) -> Result<usize> {
    let mut acts = 0;
    while !is_over.load(Ordering::Relaxed) {
        worker.act().with_context(|| format!("act {acts}"))?;
        acts += 1;
    }
    worker.finish().context("the end")?;
    Ok(acts)
}

/// Every number is in the log once and in order.
fn ensure_counted(case: &Case) -> Result<()> {
    let log = case.ok("logs counts")?;
    for (want, line) in log.lines().enumerate() {
        ensure!(line == want.to_string(), "line {want} of the log is {line:?}");
    }
    ensure!(log.lines().count() > 10, "the log is {log:?}");
    Ok(())
}
