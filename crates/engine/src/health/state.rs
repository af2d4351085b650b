//! What the results of health checks mean (pure). Source: Engine API v1.51 HealthConfig; observed: dockerd 28.5.

use std::time::Duration;

use corten_api::List;
use corten_api::container::{ContainerConfig, Health, HealthcheckResult};

/// The words for a container's health.
pub const NONE: &str = "none";
/// See [`NONE`].
pub const STARTING: &str = "starting";
/// See [`NONE`].
pub const HEALTHY: &str = "healthy";
/// See [`NONE`].
pub const UNHEALTHY: &str = "unhealthy";

/// Results that are kept.
const LOG_LIMIT: usize = 5;

/// A check with its defaults applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Between the end of a check and the next.
    pub interval: Duration,
    /// How long a check may take.
    pub timeout: Duration,
    /// After the start: failures in this time do not count.
    pub start_period: Duration,
    /// Between checks in that time.
    pub start_interval: Duration,
    /// Failures in a row that make it unhealthy.
    pub retries: i64,
}

impl Settings {
    /// The check that a configuration asks for, if any.
    #[must_use]
    pub fn of(config: &ContainerConfig) -> Option<Self> {
        let health = config.healthcheck.as_ref()?;
        let (kind, words) = health.test.split_first()?;
        let shell: Vec<String> = if config.shell.is_empty() {
            vec!["/bin/sh".to_owned(), "-c".to_owned()]
        } else {
            config.shell.iter().cloned().collect()
        };
        let command = match kind.as_str() {
            "CMD" => words.to_vec(),
            "CMD-SHELL" => shell.into_iter().chain(words.iter().cloned()).collect(),
            // `NONE`, and what Docker takes for it.
            _ => return None,
        };
        let time = |nanos: i64, default: u64| match u64::try_from(nanos) {
            Ok(0) | Err(_) => Duration::from_secs(default),
            Ok(nanos) => Duration::from_nanos(nanos),
        };
        Some(Self {
            command,
            interval: time(health.interval, 30),
            timeout: time(health.timeout, 30),
            start_period: time(health.start_period, 0),
            start_interval: time(health.start_interval, 5),
            retries: if health.retries > 0 { health.retries } else { 3 },
        })
    }

    /// How long after the last check, or the start, the next is due.
    #[must_use]
    pub fn next_in(&self, status: &str, since_start: Duration) -> Duration {
        if since_start < self.start_period && status == STARTING {
            self.start_interval
        } else {
            self.interval
        }
    }

    /// Takes a result in; returns the new state where it changed. `since_start`: from the container's start to
    /// the check's.
    pub fn record(
        &self,
        health: &mut Health,
        result: HealthcheckResult,
        since_start: Duration,
    ) -> Option<&'static str> {
        let before = health.status.clone();
        let failed = result.exit_code != 0;
        let mut log: Vec<HealthcheckResult> = health.log.iter().cloned().collect();
        log.push(result);
        let surplus = log.len().saturating_sub(LOG_LIMIT);
        health.log = List::from(log.split_off(surplus));
        let now = if !failed {
            health.failing_streak = 0;
            HEALTHY
        } else if before == STARTING && since_start < self.start_period {
            return None;
        } else {
            health.failing_streak += 1;
            if health.failing_streak < self.retries {
                return None;
            }
            UNHEALTHY
        };
        now.clone_into(&mut health.status);
        (before != now).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::container::HealthConfig;

    fn settings(health: HealthConfig) -> Option<Settings> {
        Settings::of(&ContainerConfig {
            healthcheck: Some(health),
            ..ContainerConfig::default()
        })
    }

    fn test(words: &[&str]) -> HealthConfig {
        HealthConfig {
            test: words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>().into(),
            ..HealthConfig::default()
        }
    }

    #[test]
    fn commands_and_defaults() {
        let shell = settings(test(&["CMD-SHELL", "exit 1"])).expect("a check");
        assert_eq!(shell.command, ["/bin/sh", "-c", "exit 1"]);
        assert_eq!(
            (shell.interval, shell.timeout),
            (Duration::from_secs(30), Duration::from_secs(30))
        );
        assert_eq!((shell.start_interval, shell.retries), (Duration::from_secs(5), 3));
        assert_eq!(
            settings(test(&["CMD", "a", "b"])).map(|check| check.command),
            Some(vec!["a".into(), "b".into()])
        );
        for none in [&["NONE"][..], &["BOGUS"], &[]] {
            assert_eq!(settings(test(none)), None, "{none:?}");
        }
    }

    /// Exit codes and seconds since the start, and what follows: state, streak, change.
    #[test]
    fn what_results_mean() {
        let check = settings(HealthConfig {
            retries: 2,
            start_period: 3_000_000_000,
            ..test(&["CMD", "x"])
        })
        .expect("a check");
        let mut health = Health {
            status: STARTING.to_owned(),
            ..Health::default()
        };
        for (code, seconds, status, streak, change) in [
            (1, 1, STARTING, 0, None),
            (1, 2, STARTING, 0, None),
            (1, 3, STARTING, 1, None),
            (1, 4, UNHEALTHY, 2, Some(UNHEALTHY)),
            (1, 5, UNHEALTHY, 3, None),
            (0, 6, HEALTHY, 0, Some(HEALTHY)),
            (-1, 7, HEALTHY, 1, None),
            (0, 8, HEALTHY, 0, None),
            (1, 9, HEALTHY, 1, None),
            (137, 10, UNHEALTHY, 2, Some(UNHEALTHY)),
        ] {
            let result = HealthcheckResult {
                exit_code: code,
                ..HealthcheckResult::default()
            };
            assert_eq!(
                check.record(&mut health, result, Duration::from_secs(seconds)),
                change,
                "at {seconds}"
            );
            assert_eq!(
                (health.status.as_str(), health.failing_streak),
                (status, streak),
                "at {seconds}"
            );
        }
        let codes: Vec<i64> = health.log.iter().map(|result| result.exit_code).collect();
        assert_eq!(codes, [0, -1, 0, 1, 137]);
    }

    #[test]
    fn checks_are_closer_while_it_starts() {
        let check = settings(HealthConfig {
            start_period: 3_000_000_000,
            start_interval: 500_000_000,
            ..test(&["CMD", "x"])
        })
        .expect("a check");
        let (early, late) = (Duration::from_secs(1), Duration::from_secs(3));
        assert_eq!(check.next_in(STARTING, early), Duration::from_millis(500));
        assert_eq!(check.next_in(HEALTHY, early), Duration::from_secs(30));
        assert_eq!(check.next_in(STARTING, late), Duration::from_secs(30));
    }
}
