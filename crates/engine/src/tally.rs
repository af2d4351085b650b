//! Counts that others ask for often (metrics): kept as things happen, never found by looking at everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::Engine;
use crate::container::phase::Phase;

/// Upper bounds of the buckets of durations, in seconds (those of Docker's metrics).
pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The counts of one engine.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    states: [AtomicI64; 3],
    events: AtomicU64,
    health_checks: AtomicU64,
    health_failures: AtomicU64,
    health_starts: Durations,
}

/// How long something took, each time.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [AtomicU64; BUCKETS.len()],
    longer: AtomicU64,
    micros: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Containers whose program runs, or will again after a pause between restarts.
    pub running: i64,
    /// Containers that are frozen.
    pub paused: i64,
    /// All others.
    pub stopped: i64,
    /// Events since the engine was opened.
    pub events: u64,
    /// Who waits for events.
    pub listeners: usize,
    /// Health checks since the engine was opened.
    pub health_checks: u64,
    /// Those that failed.
    pub health_failures: u64,
    /// How long it took to begin one.
    pub health_starts: DurationCounts,
}

/// Durations at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DurationCounts {
    /// How many were at most as long as each of [`BUCKETS`].
    pub up_to: [u64; BUCKETS.len()],
    /// How many there were.
    pub count: u64,
    /// All together, in seconds.
    pub seconds: f64,
}

/// What a container counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Paused,
    Stopped,
}

impl State {
    fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Running(_) | Phase::Restarting(_) => Self::Running,
            Phase::Paused(_) => Self::Paused,
            Phase::Created(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => Self::Stopped,
        }
    }
}

/// One container among the counts; it leaves them when this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    tally: Arc<Tally>,
    state: State,
}

impl Counted {
    /// Counts a container.
    pub(crate) fn new(tally: &Arc<Tally>, phase: &Phase) -> Self {
        let state = State::of(phase);
        tally.add(state, 1);
        Self {
            tally: Arc::clone(tally),
            state,
        }
    }

    /// Counts it as what it is now.
    pub(crate) fn move_to(&mut self, phase: &Phase) {
        let state = State::of(phase);
        if state != self.state {
            self.tally.add(self.state, -1);
            self.tally.add(state, 1);
            self.state = state;
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tally.add(self.state, -1);
    }
}

impl Tally {
    fn add(&self, state: State, difference: i64) {
        self.states[state as usize].fetch_add(difference, Ordering::Relaxed);
    }

    /// An event was published.
    pub(crate) fn event(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// It took so long to begin a health check.
    pub(crate) fn health_started(&self, took: Duration) {
        self.health_starts.add(took);
    }

    /// A health check has ended.
    pub(crate) fn health_check(&self, is_failed: bool) {
        self.health_checks.fetch_add(1, Ordering::Relaxed);
        self.health_failures.fetch_add(u64::from(is_failed), Ordering::Relaxed);
    }
}

impl Durations {
    /// Adds one.
    pub fn add(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BUCKETS.iter().position(|limit| seconds <= *limit);
        let bucket = bucket.and_then(|at| self.buckets.get(at)).unwrap_or(&self.longer);
        bucket.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// All so far.
    #[must_use]
    pub fn counts(&self) -> DurationCounts {
        let mut counts = DurationCounts::default();
        for (up_to, bucket) in counts.up_to.iter_mut().zip(&self.buckets) {
            counts.count += bucket.load(Ordering::Relaxed);
            *up_to = counts.count;
        }
        counts.count += self.longer.load(Ordering::Relaxed);
        counts.seconds = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        counts
    }
}

impl Engine {
    /// The counts as they are now; takes the same time however many containers there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let tally = &self.core.tally;
        let state = |state: State| tally.states[state as usize].load(Ordering::Relaxed).max(0);
        Counts {
            running: state(State::Running),
            paused: state(State::Paused),
            stopped: state(State::Stopped),
            events: tally.events.load(Ordering::Relaxed),
            listeners: self.core.events.listeners(),
            health_checks: tally.health_checks.load(Ordering::Relaxed),
            health_failures: tally.health_failures.load(Ordering::Relaxed),
            health_starts: tally.health_starts.counts(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_move_between_counts_and_leave_them() {
        let tally = Arc::new(Tally::default());
        let all = || [0, 1, 2].map(|at: usize| tally.states[at].load(Ordering::Relaxed));
        let mut one = Counted::new(&tally, &Phase::Created(None));
        let two = Counted::new(&tally, &Phase::Dead(None));
        assert_eq!(all(), [0, 0, 2]);
        one.move_to(&Phase::Removing(None));
        assert_eq!(all(), [0, 0, 2]);
        one.tally.add(State::Stopped, -1);
        one.tally.add(State::Paused, 1);
        one.state = State::Paused;
        assert_eq!(all(), [0, 1, 1]);
        drop(two);
        drop(one);
        assert_eq!(all(), [0, 0, 0]);
    }

    #[test]
    fn durations_fall_into_their_buckets() {
        let durations = Durations::default();
        for millis in [1, 5, 6, 9_999, 10_001] {
            durations.add(Duration::from_millis(millis));
        }
        let counts = durations.counts();
        assert_eq!(
            (counts.up_to[0], counts.up_to[1], counts.up_to[10], counts.count),
            (2, 3, 4, 5)
        );
        assert!((counts.seconds - 20.012).abs() < 1e-9);
    }
}
