//! The words of `docker ps` for a container's state: `Up 3 minutes`, `Exited (0) 2 weeks ago` (pure).

use std::time::Duration;

use corten_base::Timestamp;

use super::phase::{Ended, Phase};

/// Docker's one-word state: `State.Status` and the list's `State`.
#[must_use]
pub fn state(phase: &Phase) -> &'static str {
    match phase {
        Phase::Created(_) => "created",
        Phase::Running(_) => "running",
        Phase::Paused(_) => "paused",
        Phase::Restarting(_) => "restarting",
        Phase::Exited(_) => "exited",
        Phase::Removing(_) => "removing",
        Phase::Dead(_) => "dead",
    }
}

/// The list's `Status` at the time `now`.
#[must_use]
pub fn words(phase: &Phase, now: Timestamp) -> String {
    let ago = |ended: &Ended| format!("({}) {} ago", ended.code, duration(now.since(ended.finished_at)));
    match phase {
        Phase::Created(_) => "Created".to_owned(),
        Phase::Running(running) => format!("Up {}", duration(now.since(running.started_at))),
        Phase::Paused(running) => format!("Up {} (Paused)", duration(now.since(running.started_at))),
        Phase::Restarting(ended) => format!("Restarting {}", ago(ended)),
        Phase::Exited(ended) => format!("Exited {}", ago(ended)),
        Phase::Removing(_) => "Removal In Progress".to_owned(),
        Phase::Dead(_) => "Dead".to_owned(),
    }
}

/// A length of time as people say it (observed: dockerd 28.5).
#[must_use]
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let minutes = seconds / 60;
    let hours = (length.as_secs_f64() / 3600.0 + 0.5) as u64;
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (..60, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, ..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., ..48) => format!("{hours} hours"),
        (.., ..336) => format!("{} days", hours / 24),
        (.., ..1440) => format!("{} weeks", hours / 24 / 7),
        (.., ..17520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::phase::Running;

    #[test]
    fn lengths() {
        let table = [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (5399, "About an hour"),
            (5400, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"),
            (14 * 86400, "2 weeks"),
            (60 * 86400, "2 months"),
            (730 * 86400, "2 years"),
        ];
        for (seconds, expected) in table {
            assert_eq!(duration(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn every_phase() {
        let at = |seconds| Timestamp::from_unix(seconds, 0);
        let running = Running {
            pid: 1,
            started_at: at(100),
            last_finished_at: Timestamp::ZERO,
            stopping: None,
        };
        let ended = Ended {
            code: 3,
            started_at: at(90),
            finished_at: at(100),
            ..Ended::default()
        };
        let table = [
            (Phase::Created(None), "created", "Created"),
            (Phase::Running(running.clone()), "running", "Up 5 seconds"),
            (Phase::Paused(running), "paused", "Up 5 seconds (Paused)"),
            (
                Phase::Restarting(ended.clone()),
                "restarting",
                "Restarting (3) 5 seconds ago",
            ),
            (Phase::Exited(ended.clone()), "exited", "Exited (3) 5 seconds ago"),
            (Phase::Removing(Some(ended)), "removing", "Removal In Progress"),
            (Phase::Dead(None), "dead", "Dead"),
        ];
        for (phase, word, text) in table {
            assert_eq!((state(&phase), words(&phase, at(105)).as_str()), (word, text));
        }
    }
}
