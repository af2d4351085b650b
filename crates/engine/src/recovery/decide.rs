//! What to do with one container that was found (pure).
//!
//! | found | done |
//! |---|---|
//! | shim answers, program runs | taken over (or stopped, without live restore) |
//! | shim answers, program has ended | its exit recorded |
//! | shim answers, program never started | killed and cleared away; the start is undone |
//! | no shim, exit.json | its exit recorded |
//! | no shim, was running | killed: recorded with 137 |
//! | nothing of a run | as recorded; removed if it goes at its end anyway |

use std::time::Duration;

use corten_base::Timestamp;
use corten_shim::protocol::Exit;

use crate::container::phase::{self, Event, Life, Phase, Running};
use crate::container::restart::Run;

/// What was found of a container that has a record.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its life by `state.json`, as if it did not run.
    pub life: Life,
    /// `state.json` says that it ran or was to be restarted.
    pub was_running: bool,
    /// When its last run started, by `state.json`.
    pub started_at: Timestamp,
    /// What its shim answered; `None`: there is none.
    pub shim: Option<ShimFound>,
    /// What `exit.json` says.
    pub exit: Option<Exit>,
    /// There is a run directory.
    pub run_directory: bool,
    /// Its control group is frozen: it was paused.
    pub frozen: bool,
}

/// What a shim says.
#[derive(Debug, Clone)]
pub struct ShimFound {
    /// The first process.
    pub pid: u32,
    /// Since when it executes its program.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<Exit>,
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its life from now on.
    pub life: Life,
    /// What happens to the run.
    pub run: RunDecision,
    /// What happens afterwards.
    pub then: Then,
    /// `state.json` is written.
    pub persist: bool,
}

/// What happens to what was found of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunDecision {
    /// There was none.
    Nothing,
    /// It goes on under this daemon.
    Adopt,
    /// Its shim is let go, and everything of it cleared away.
    Clear,
}

/// What happens to the container afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Keep,
    /// It is started.
    Start,
    /// It is stopped, and started again if its policy says so.
    Stop,
    /// It is removed.
    Remove,
}

/// What the caller knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Containers go on over a restart of the daemon.
    pub live_restore: bool,
    /// The time.
    pub now: Timestamp,
}

/// Decides.
#[must_use]
pub fn decide(found: &Found, situation: Situation) -> Decision {
    if let Some(ShimFound {
        pid,
        started_at: Some(started_at),
        exit: None,
    }) = found.shim
    {
        return adopt(found, pid, started_at, situation);
    }
    let exit = found
        .shim
        .as_ref()
        .and_then(|shim| shim.exit.clone())
        .or_else(|| found.exit.clone());
    let run = if found.run_directory || found.shim.is_some() {
        RunDecision::Clear
    } else {
        RunDecision::Nothing
    };
    match exit {
        // An exit that was recorded before its file could be deleted.
        Some(exit) if already_known(found, &exit) => idle(found, run, false),
        Some(exit) => ended(found, &exit, run),
        None if found.was_running => {
            let restarting = found
                .life
                .phase
                .ended()
                .is_some_and(|ended| ended.finished_at > ended.started_at);
            if restarting && !found.run_directory {
                return idle(found, run, true);
            }
            let exit = Exit {
                code: KILLED,
                at: situation.now,
                out_of_memory: false,
            };
            ended(found, &exit, run)
        }
        None => idle(found, run, false),
    }
}

/// Code of a container that was killed with its shim or its host.
const KILLED: i32 = 137;

fn already_known(found: &Found, exit: &Exit) -> bool {
    !found.was_running
        && found
            .life
            .phase
            .ended()
            .is_some_and(|ended| ended.finished_at == exit.at)
}

fn adopt(found: &Found, pid: u32, started_at: Timestamp, situation: Situation) -> Decision {
    let last_finished_at = found
        .life
        .phase
        .ended()
        .map_or(Timestamp::ZERO, |ended| ended.finished_at);
    let running = Running {
        pid,
        started_at,
        last_finished_at,
        stopping: None,
        // By `state.json`, so what was published.
        out_of_memory: found.was_running && found.life.phase.ended().is_some_and(|ended| ended.out_of_memory),
    };
    let phase = if found.frozen {
        Phase::Paused(running)
    } else {
        Phase::Running(running)
    };
    let life = Life {
        phase,
        ..found.life.clone()
    };
    let then = if situation.live_restore { Then::Keep } else { Then::Stop };
    Decision {
        life,
        run: RunDecision::Adopt,
        then,
        persist: !found.was_running,
    }
}

/// The exit that nobody saw: what the phase machine makes of it, without its effects.
fn ended(found: &Found, exit: &Exit, run: RunDecision) -> Decision {
    let started_at = if found.started_at.is_zero() {
        exit.at
    } else {
        found.started_at
    };
    let running = Running {
        pid: 0,
        started_at,
        last_finished_at: Timestamp::ZERO,
        stopping: None,
        out_of_memory: false,
    };
    let before = Life {
        phase: Phase::Running(running),
        ..found.life.clone()
    };
    let event = Event::Exited {
        code: exit.code,
        at: exit.at,
        out_of_memory: exit.out_of_memory,
    };
    let life = phase::step(&before, event).map_or_else(|_refused| found.life.clone(), |(life, _effects)| life);
    match life.phase {
        Phase::Restarting(ended) => {
            let life = Life {
                phase: Phase::Exited(ended),
                ..life
            };
            Decision {
                life,
                run,
                then: Then::Start,
                persist: true,
            }
        }
        Phase::Removing(ended) => {
            let phase = ended.map_or(Phase::Created(None), Phase::Exited);
            Decision {
                life: Life { phase, ..life },
                run,
                then: Then::Remove,
                persist: false,
            }
        }
        phase => with_policy(Life { phase, ..life }, run, true, true),
    }
}

fn idle(found: &Found, run: RunDecision, was_running: bool) -> Decision {
    if found.life.auto_remove {
        // As Docker: one that does not run has nobody left to remove it.
        return Decision {
            life: found.life.clone(),
            run,
            then: Then::Remove,
            persist: false,
        };
    }
    with_policy(found.life.clone(), run, was_running, false)
}

fn with_policy(life: Life, run: RunDecision, was_running: bool, persist: bool) -> Decision {
    let starts = life.phase.ended().is_some_and(|ended| {
        let last = Run {
            code: ended.code,
            length: Duration::ZERO,
            restarts: life.restarts,
            stopped_by_hand: life.stopped_by_hand,
        };
        life.policy.starts_with_daemon(last, was_running)
    });
    let dead = matches!(life.phase, Phase::Dead(_));
    let then = if starts && !dead { Then::Start } else { Then::Keep };
    Decision {
        life,
        run,
        then,
        persist,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::phase::Ended;
    use crate::container::restart::RestartPolicy;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds, 0)
    }

    fn found(policy: RestartPolicy, auto_remove: bool) -> Found {
        Found {
            life: Life::created(policy, auto_remove),
            was_running: false,
            started_at: Timestamp::ZERO,
            shim: None,
            exit: None,
            run_directory: false,
            frozen: false,
        }
    }

    fn exit(code: i32) -> Exit {
        Exit {
            code,
            at: at(50),
            out_of_memory: false,
        }
    }

    fn decided(found: &Found) -> Decision {
        decide(
            found,
            Situation {
                live_restore: true,
                now: at(100),
            },
        )
    }

    fn running(policy: RestartPolicy) -> Found {
        Found {
            was_running: true,
            started_at: at(10),
            run_directory: true,
            ..found(policy, false)
        }
    }

    #[test]
    fn a_running_container_is_taken_over() {
        let shim = ShimFound {
            pid: 7,
            started_at: Some(at(10)),
            exit: None,
        };
        let found = Found {
            shim: Some(shim),
            ..running(RestartPolicy::No)
        };
        let decision = decided(&found);
        assert_eq!((decision.run, decision.then), (RunDecision::Adopt, Then::Keep));
        assert_eq!(decision.life.phase.running().map(|running| running.pid), Some(7));
        let decision = decide(
            &found,
            Situation {
                live_restore: false,
                now: at(100),
            },
        );
        assert_eq!(decision.then, Then::Stop);
    }

    #[test]
    fn a_frozen_container_is_paused() {
        let shim = ShimFound {
            pid: 7,
            started_at: Some(at(10)),
            exit: None,
        };
        let found = Found {
            shim: Some(shim),
            frozen: true,
            ..running(RestartPolicy::No)
        };
        assert!(matches!(decided(&found).life.phase, Phase::Paused(_)));
    }

    #[test]
    fn an_exit_nobody_saw_is_recorded() {
        let found = Found {
            exit: Some(exit(3)),
            ..running(RestartPolicy::No)
        };
        let decision = decided(&found);
        assert_eq!(
            (decision.run, decision.then, decision.persist),
            (RunDecision::Clear, Then::Keep, true)
        );
        let ended = decision.life.phase.ended().expect("an end");
        assert_eq!((ended.code, ended.started_at, ended.finished_at), (3, at(10), at(50)));
    }

    #[test]
    fn the_shims_word_counts_before_the_files() {
        let shim = ShimFound {
            pid: 7,
            started_at: Some(at(10)),
            exit: Some(exit(4)),
        };
        let found = Found {
            shim: Some(shim),
            ..running(RestartPolicy::Always)
        };
        let decision = decided(&found);
        assert_eq!((decision.run, decision.then), (RunDecision::Clear, Then::Start));
        assert_eq!(
            (
                decision.life.restarts,
                decision.life.phase.ended().map(|ended| ended.code)
            ),
            (1, Some(4))
        );
    }

    #[test]
    fn a_container_whose_shim_died_was_killed() {
        let decision = decided(&running(RestartPolicy::No));
        assert_eq!(
            decision.life.phase.ended().map(|ended| (ended.code, ended.finished_at)),
            Some((137, at(100)))
        );
        assert_eq!(
            decided(&running(RestartPolicy::OnFailure { maximum: 0 })).then,
            Then::Start
        );
    }

    #[test]
    fn a_half_start_is_undone() {
        let shim = ShimFound {
            pid: 7,
            started_at: None,
            exit: None,
        };
        let found = Found {
            shim: Some(shim),
            run_directory: true,
            ..found(RestartPolicy::Always, false)
        };
        let decision = decided(&found);
        assert_eq!((decision.run, decision.then), (RunDecision::Clear, Then::Keep));
        assert_eq!(decision.life.phase, Phase::Created(None));
    }

    #[test]
    fn an_exit_is_not_counted_twice() {
        let ended = Ended {
            code: 3,
            started_at: at(10),
            finished_at: at(50),
            ..Ended::default()
        };
        let mut found = found(RestartPolicy::No, false);
        found.life.phase = Phase::Exited(ended);
        found.exit = Some(exit(3));
        let decision = decided(&found);
        assert!(!decision.persist);
        assert_eq!(decision.life, found.life);
    }

    #[test]
    fn what_goes_at_its_end_goes_now() {
        let found = Found {
            exit: Some(exit(0)),
            was_running: false,
            run_directory: true,
            ..found(RestartPolicy::No, true)
        };
        assert_eq!(decided(&found).then, Then::Remove);
    }

    #[test]
    fn policies_at_the_start() {
        let ended = Ended {
            code: 0,
            started_at: at(10),
            finished_at: at(50),
            ..Ended::default()
        };
        let table = [
            (RestartPolicy::No, false, Then::Keep),
            (RestartPolicy::Always, true, Then::Start),
            (RestartPolicy::UnlessStopped, true, Then::Keep),
            (RestartPolicy::UnlessStopped, false, Then::Start),
        ];
        for (policy, stopped_by_hand, expected) in table {
            let mut found = found(policy, false);
            found.life.phase = Phase::Exited(ended.clone());
            found.life.stopped_by_hand = stopped_by_hand;
            assert_eq!(decided(&found).then, expected, "{policy:?} {stopped_by_hand}");
        }
    }
}
