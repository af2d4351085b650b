//! A stop, or another signal, that comes before the first process can hear it: the kernel drops a signal that the first process of its
//! own namespace has no handler for, and a program that has only just begun has none yet. It is told again once it has
//! one, instead of being killed at the end of the time it was given.

use std::time::Duration;

use corten_shim::protocol::{Request, Target};

use super::Owner;
use crate::container::phase::SIGKILL;

/// Between two looks, first and at most.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LATER_LOOKS: Duration = Duration::from_millis(100);
/// Looks until somebody is deaf for good: ten seconds for a stop, one for other signals, which may be meant for now alone.
pub(super) const STOP_LOOKS: u32 = 120;
pub(super) const KILL_LOOKS: u32 = 15;

impl Owner {
    /// The first process of a container that would not notice this signal now.
    pub(super) fn deaf(&self, signal: i32) -> Option<u32> {
        let pid = self.life.phase.running()?.pid;
        let is_first = self.container.effective.host.pid_mode.is_empty();
        (signal != SIGKILL && is_first && hears(pid, signal) == Some(false)).then_some(pid)
    }

    /// Sends a signal once more as soon as the process can hear it that could not when it was sent.
    pub(super) fn insist(&self, deaf: Option<u32>, signal: i32, looks: u32) {
        let (Some(pid), Some(run)) = (deaf, &self.run) else {
            return;
        };
        let shim = run.shim.clone();
        tokio::spawn(async move {
            let mut pause = FIRST_LOOK;
            for _ in 0..looks {
                tokio::time::sleep(pause).await;
                match hears(pid, signal) {
                    Some(false) => pause = pause.saturating_mul(2).min(LATER_LOOKS),
                    Some(true) => {
                        let target = Target::Container;
                        // It may have ended; the news of that come by themselves.
                        drop(shim.ask(Request::Signal { target, signal }, Vec::new()).await);
                        return;
                    }
                    None => return,
                }
            }
        });
    }
}

/// Whether a process would notice a signal; `None` if it is gone.
fn hears(pid: u32, signal: i32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(is_heard(&status, signal))
}

/// From `/proc/<pid>/status`: the signal has a handler, or is blocked and so kept for who asks for it.
fn is_heard(status: &str, signal: i32) -> bool {
    let mask = |name: &str| {
        let text = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(text.trim(), 16).ok()
    };
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    let heard = mask("SigCgt:").unwrap_or(0) | mask("SigBlk:").unwrap_or(0);
    bit.is_some_and(|bit| heard & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_caught_or_blocked_is_heard() {
        let status = "Name:\tsh\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000004000\n";
        for (signal, heard) in [(15, true), (2, true), (13, false), (1, false), (64, false), (0, false)] {
            assert_eq!(is_heard(status, signal), heard, "{signal}");
        }
        assert!(!is_heard("", 15));
    }
}
