//! Durations of one thing measured many times.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What was measured, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    pub(crate) fn minimum(&self) -> f64 {
        self.at(0, 1)
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(1, 2)
    }

    /// The value that 99 in 100 do not exceed.
    pub(crate) fn percentile_99(&self) -> f64 {
        self.at(99, 100)
    }

    /// "minimum / median" in milliseconds.
    pub(crate) fn text(&self) -> String {
        format!("{:.2} / {:.2}", self.minimum(), self.median())
    }

    /// In milliseconds, the value at `numerator / denominator` of the way up.
    fn at(&self, numerator: usize, denominator: usize) -> f64 {
        let index = (self.0.len() * numerator / denominator).min(self.0.len().saturating_sub(1));
        self.0
            .get(index)
            .map_or(f64::NAN, |duration| duration.as_secs_f64() * 1000.0)
    }
}

/// How long `act` takes.
pub(crate) fn time(act: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    act()?;
    Ok(start.elapsed())
}

/// Each of `acts` in turn, `rounds` times over, so that a drift of the machine meets all alike.
/// One round that does not count goes before.
pub(crate) fn alternate(rounds: usize, acts: &mut [&mut dyn FnMut() -> Result<()>]) -> Result<Vec<Sample>> {
    let mut durations = vec![Vec::with_capacity(rounds); acts.len()];
    for round in 0..=rounds {
        for (act, durations) in acts.iter_mut().zip(&mut durations) {
            let duration = time(act)?;
            if round > 0 {
                durations.push(duration);
            }
        }
    }
    Ok(durations.into_iter().map(Sample::new).collect())
}
