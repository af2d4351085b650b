//! The words of `docker ps` for a container's state: `Up 3 minutes`, `Exited (0) 2 weeks ago` (pure).

use corten_base::{Timestamp, elapsed};

use super::phase::{Ended, Phase};
use crate::health::state;

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
pub fn words(phase: &Phase, health: &str, now: Timestamp) -> String {
    let ago = |ended: &Ended| format!("({}) {} ago", ended.code, elapsed::words(now.since(ended.finished_at)));
    match phase {
        Phase::Created(_) => "Created".to_owned(),
        Phase::Running(running) => {
            let up = format!("Up {}", elapsed::words(now.since(running.started_at)));
            match health {
                state::NONE => up,
                state::STARTING => format!("{up} (health: starting)"),
                health => format!("{up} ({health})"),
            }
        }
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
    fn health_is_told_of_what_runs() {
        let running = Running {
            pid: 1,
            started_at: Timestamp::from_unix(100, 0),
            last_finished_at: Timestamp::ZERO,
            stopping: None,
            out_of_memory: false,
        };
        for (health, expected) in [
            (state::STARTING, "Up 5 seconds (health: starting)"),
            (state::HEALTHY, "Up 5 seconds (healthy)"),
            (state::UNHEALTHY, "Up 5 seconds (unhealthy)"),
        ] {
            let now = Timestamp::from_unix(105, 0);
            assert_eq!(words(&Phase::Running(running.clone()), health, now), expected);
        }
        let paused = words(&Phase::Paused(running), state::HEALTHY, Timestamp::from_unix(105, 0));
        assert_eq!(paused, "Up 5 seconds (Paused)");
    }

    #[test]
    fn every_phase() {
        let at = |seconds| Timestamp::from_unix(seconds, 0);
        let running = Running {
            pid: 1,
            started_at: at(100),
            last_finished_at: Timestamp::ZERO,
            stopping: None,
            out_of_memory: false,
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
            assert_eq!(
                (state(&phase), words(&phase, state::NONE, at(105)).as_str()),
                (word, text)
            );
        }
    }
}
