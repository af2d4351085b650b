//! What earlier containers leave in the kernel. A memory group that was removed lives on as long as pages are charged to
//! it; each makes counters of living ones dearer to read and new ones dearer to make. Thousands of them, from whatever
//! ran before, would be measured instead of what is meant.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// How long the kernel may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two looks; nothing went in that time: it is done.
const PAUSE: Duration = Duration::from_secs(1);
/// Many times what a burst of a second leaves.
const SETTLING: Duration = Duration::from_secs(3);

/// Lets the kernel end what a burst of containers left to do: pages to write, groups and namespaces to take apart.
pub(crate) fn settle() -> Result<()> {
    Command::new("sync").status()?;
    std::thread::sleep(SETTLING);
    Ok(())
}

/// Lets the kernel give back pages that nobody uses, and the groups that only these kept. Returns how many memory
/// groups there are then, dead ones too.
pub(crate) fn forget_dead_groups() -> Result<u64> {
    Command::new("sync").status()?;
    fs::write("/proc/sys/vm/drop_caches", "3").context("drop the kernel's caches")?;
    let begin = Instant::now();
    let mut count = memory_groups()?;
    loop {
        std::thread::sleep(PAUSE);
        let now = memory_groups()?;
        if now >= count || begin.elapsed() > LIMIT {
            return Ok(now);
        }
        count = now;
    }
}

fn memory_groups() -> Result<u64> {
    let text = fs::read_to_string("/proc/cgroups")?;
    let line = text.lines().find(|line| line.starts_with("memory\t"));
    let count = line.and_then(|line| line.split('\t').nth(2)?.parse().ok());
    count.context("/proc/cgroups has no memory groups")
}
