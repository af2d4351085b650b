//! Restart policies: whether a container that ended starts again, and after how long (pure).
//!
//! The delay starts at 100 ms and doubles up to a minute; a run of at least ten seconds resets it
//! (observed: dockerd 28.5).

use std::time::Duration;

/// The first delay.
pub const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay.
pub const LONGEST_DELAY: Duration = Duration::from_mins(1);
/// A run of this length counts as healthy and resets the delay.
pub const HEALTHY_RUN: Duration = Duration::from_secs(10);

/// When a container starts again by itself (Engine API v1.51 RestartPolicy).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// Whenever it ends, and whenever the daemon starts.
    Always,
    /// As `Always`, except after it was stopped by hand.
    UnlessStopped,
    /// When it ended with another code than 0.
    OnFailure {
        /// How often at most; zero: without limit.
        maximum: u32,
    },
}

/// How one run ended, as far as a policy looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// How long it lasted.
    pub length: Duration,
    /// How often the container was restarted before.
    pub restarts: u32,
    /// It was stopped or killed on request.
    pub stopped_by_hand: bool,
}

impl RestartPolicy {
    /// Whether a container starts again after `run`.
    #[must_use]
    pub fn restarts_after(self, run: Run) -> bool {
        match self {
            Self::No => false,
            Self::Always | Self::UnlessStopped => !run.stopped_by_hand,
            Self::OnFailure { maximum } => {
                !run.stopped_by_hand && run.code != 0 && (maximum == 0 || run.restarts < maximum)
            }
        }
    }

    /// Whether a container that is not running starts when the daemon does. `was_running`: it ran, or
    /// was about to be restarted, when the last daemon ended.
    #[must_use]
    pub fn starts_with_daemon(self, run: Run, was_running: bool) -> bool {
        match self {
            Self::No => false,
            Self::Always => true,
            Self::UnlessStopped => !run.stopped_by_hand,
            Self::OnFailure { .. } => was_running && self.restarts_after(run),
        }
    }
}

/// The delay before a restart: `last` was the one before (zero: none yet), `run` the run that ended.
#[must_use]
pub fn delay(last: Duration, run: Duration) -> Duration {
    if last.is_zero() || run >= HEALTHY_RUN {
        FIRST_DELAY
    } else {
        (last * 2).min(LONGEST_DELAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(code: i32, restarts: u32, stopped_by_hand: bool) -> Run {
        Run {
            code,
            length: Duration::ZERO,
            restarts,
            stopped_by_hand,
        }
    }

    #[test]
    fn delays_double_to_a_minute_and_reset() {
        let short = Duration::from_secs(1);
        let mut last = Duration::ZERO;
        let mut seen = Vec::new();
        for _ in 0..12 {
            last = delay(last, short);
            seen.push(last.as_millis());
        }
        assert_eq!(
            seen,
            [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]
        );
        assert_eq!(delay(last, HEALTHY_RUN), FIRST_DELAY);
    }

    #[test]
    fn policies_decide_as_docker_does() {
        use RestartPolicy as P;
        let table = [
            (P::No, run(1, 0, false), false),
            (P::Always, run(0, 9, false), true),
            (P::Always, run(0, 9, true), false),
            (P::UnlessStopped, run(1, 0, false), true),
            (P::UnlessStopped, run(1, 0, true), false),
            (P::OnFailure { maximum: 0 }, run(0, 0, false), false),
            (P::OnFailure { maximum: 0 }, run(1, 99, false), true),
            (P::OnFailure { maximum: 2 }, run(1, 1, false), true),
            (P::OnFailure { maximum: 2 }, run(1, 2, false), false),
            (P::OnFailure { maximum: 0 }, run(137, 0, true), false),
        ];
        for (policy, run, expected) in table {
            assert_eq!(policy.restarts_after(run), expected, "{policy:?} {run:?}");
        }
    }

    #[test]
    fn policies_at_the_daemons_start() {
        use RestartPolicy as P;
        let table = [
            (P::No, run(1, 0, false), true, false),
            (P::Always, run(0, 0, true), false, true),
            (P::UnlessStopped, run(0, 0, true), false, false),
            (P::UnlessStopped, run(0, 0, false), false, true),
            (P::OnFailure { maximum: 0 }, run(1, 0, false), true, true),
            (P::OnFailure { maximum: 0 }, run(1, 0, false), false, false),
            (P::OnFailure { maximum: 0 }, run(0, 0, false), true, false),
        ];
        for (policy, run, was_running, expected) in table {
            assert_eq!(
                policy.starts_with_daemon(run, was_running),
                expected,
                "{policy:?} {run:?} {was_running}"
            );
        }
    }
}
