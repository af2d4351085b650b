//! The words of `docker ps` for a container's state: `Up 3 minutes`, `Exited (0) 2 weeks ago` (pure).

use corten_base::{Timestamp, elapsed};

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
    let ago = |ended: &Ended| format!("({}) {} ago", ended.code, elapsed::words(now.since(ended.finished_at)));
    match phase {
        Phase::Created(_) => "Created".to_owned(),
        Phase::Running(running) => format!("Up {}", elapsed::words(now.since(running.started_at))),
        Phase::Paused(running) => format!("Up {} (Paused)", elapsed::words(now.since(running.started_at))),
        Phase::Restarting(ended) => format!("Restarting {}", ago(ended)),
        Phase::Exited(ended) => format!("Exited {}", ago(ended)),
        Phase::Removing(_) => "Removal In Progress".to_owned(),
        Phase::Dead(_) => "Dead".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::phase::Running;

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
