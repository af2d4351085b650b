//! The life of a container as a pure function: `step(life, event) -> (life, effects)`.
//!
//! ```text
//!            start             exit, policy says again
//!  Created ────────> Running ─────────────────────────> Restarting ──(delay)──> Running
//!     │               │  ^  │ exit                          │ stop
//!     │          pause│  │  └──────────> Exited <───────────┘
//!     │               v  │ unpause          │ start -> Running
//!     │              Paused                 │
//!     └───────────────┴──────── remove ─────┴──> Removing ──> gone, or Dead when that failed
//! ```
//! Invariants: every effect list is executed in order by the container's owner, and by nobody else;
//! a refused event changes nothing. Does no I/O, reads no clock.

use std::time::Duration;

use corten_base::Timestamp;

use super::restart::{self, RestartPolicy, Run};

/// Everything that decides what happens next to one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it is.
    pub phase: Phase,
    /// Its restart policy.
    pub policy: RestartPolicy,
    /// It is removed when it ends (`--rm`).
    pub auto_remove: bool,
    /// How often the policy restarted it since it was last started by hand.
    pub restarts: u32,
    /// The delay before the last such restart; zero: none yet.
    pub delay: Duration,
    /// It was stopped or killed on request since its last start.
    pub stopped_by_hand: bool,
}

/// Where a container is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Never ran. With an outcome: its start was tried and failed.
    Created(Option<FailedStart>),
    /// Its first process runs.
    Running(Running),
    /// Its processes are frozen.
    Paused(Running),
    /// It ended and starts again when the delay is over.
    Restarting(Ended),
    /// It ended.
    Exited(Ended),
    /// It is being removed; how its last run ended, if it ever ran.
    Removing(Option<Ended>),
    /// Its removal failed; only another removal is possible.
    Dead(Option<Ended>),
}

/// A start that failed before the program ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStart {
    /// 127: no such program; 126: it cannot be executed; 128: anything else.
    pub code: i32,
    /// What failed, in Docker's words.
    pub message: String,
}

/// A run that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The first process, as the host sees it.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// When the run before this one ended; zero: it is the first.
    pub last_finished_at: Timestamp,
    /// A stop is under way.
    pub stopping: Option<Stopping>,
}

/// What follows when a container that is being stopped has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// It stays stopped.
    Stay,
    /// It starts again at once (`docker restart`).
    StartAgain,
    /// It is removed (`docker rm -f`).
    Remove,
}

/// How the last run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Exit code; 128 + n for signal n.
    pub code: i32,
    /// When it had started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The kernel killed a process of it for want of memory.
    pub out_of_memory: bool,
    /// Why a later start failed, or empty.
    pub error: String,
}

/// What can happen to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client asks to start it.
    Start,
    /// Its program executes.
    Started {
        /// The first process.
        pid: u32,
        /// Since when.
        at: Timestamp,
    },
    /// The start failed and was undone.
    StartFailed(FailedStart),
    /// Its first process ended.
    Exited {
        /// Exit code.
        code: i32,
        /// When.
        at: Timestamp,
        /// For want of memory.
        out_of_memory: bool,
    },
    /// A client asks to stop or restart it.
    Stop {
        /// The first signal.
        signal: i32,
        /// How long it may take before SIGKILL; `None`: for ever.
        timeout: Option<Duration>,
        /// What follows.
        then: Stopping,
    },
    /// The time for stopping is over.
    StopDeadline,
    /// A client sends a signal.
    Kill {
        /// Its number.
        signal: i32,
        /// It counts as a request to stop, so that no policy restarts the container.
        ends: bool,
    },
    /// The delay before a restart is over.
    RestartDue,
    /// A client asks to remove it.
    Remove {
        /// Even if it runs.
        force: bool,
    },
    /// The removal did not succeed.
    RemoveFailed,
    /// Its processes are frozen.
    Paused,
    /// They go on.
    Unpaused,
}

/// What the owner has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Run the start sequence; it ends in `Started` or `StartFailed`.
    Start,
    /// Send a signal to the first process and publish `kill`.
    Signal(i32),
    /// `StopDeadline` follows after this long.
    ArmStop(Duration),
    /// It does not.
    DisarmStop,
    /// `RestartDue` follows after this long.
    ArmRestart(Duration),
    /// It does not.
    DisarmRestart,
    /// Release everything an API call can see: veth, firewall elements, address, ports, volumes.
    TearDown,
    /// Write the record.
    Persist,
    /// Publish an event.
    Publish(Action),
    /// Remove the container; ends in its end or `RemoveFailed`.
    Remove,
    /// Let the shim go.
    Release,
}

/// The events of Docker that a phase change publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The program executes.
    Start,
    /// The first process ended.
    Die,
    /// A stop is complete.
    Stop,
    /// A restart is complete.
    Restart,
    /// A process was killed for want of memory.
    OutOfMemory,
}

/// Why an event is not possible now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It runs already, or has stopped already.
    NotModified,
    /// It does not run.
    NotRunning,
    /// It runs, and only a forced removal would stop it first.
    StillRunning,
    /// It is paused.
    Paused,
    /// It is being removed.
    BeingRemoved,
    /// The event cannot occur here: a late timer or a report of a run that is over.
    Stale,
}

/// SIGKILL's number.
pub const SIGKILL: i32 = 9;

impl Life {
    /// A container that was just created.
    #[must_use]
    pub fn created(policy: RestartPolicy, auto_remove: bool) -> Self {
        Self {
            phase: Phase::Created(None),
            policy,
            auto_remove,
            restarts: 0,
            delay: Duration::ZERO,
            stopped_by_hand: false,
        }
    }
}

impl Phase {
    /// How its last run ended, where it has one that is over.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        match self {
            Self::Restarting(ended) | Self::Exited(ended) => Some(ended),
            Self::Removing(ended) | Self::Dead(ended) => ended.as_ref(),
            Self::Created(_) | Self::Running(_) | Self::Paused(_) => None,
        }
    }

    /// The run that goes on.
    #[must_use]
    pub fn running(&self) -> Option<&Running> {
        match self {
            Self::Running(running) | Self::Paused(running) => Some(running),
            Self::Created(_) | Self::Restarting(_) | Self::Exited(_) | Self::Removing(_) | Self::Dead(_) => None,
        }
    }
}

/// What `event` makes of `life`, and what has to be done for it.
pub fn step(life: &Life, event: Event) -> Result<(Life, Vec<Effect>), Refusal> {
    match event {
        Event::Start => start(life),
        Event::Started { pid, at } => started(life, pid, at),
        Event::StartFailed(failure) => start_failed(life, failure),
        Event::Exited {
            code,
            at,
            out_of_memory,
        } => exited(life, code, at, out_of_memory),
        Event::Stop { signal, timeout, then } => stop(life, signal, timeout, then),
        Event::StopDeadline => stop_deadline(life),
        Event::Kill { signal, ends } => kill(life, signal, ends),
        Event::RestartDue => restart_due(life),
        Event::Remove { force } => remove(life, force),
        Event::RemoveFailed => remove_failed(life),
        Event::Paused => pause(life),
        Event::Unpaused => unpause(life),
    }
}

type Step = Result<(Life, Vec<Effect>), Refusal>;

fn start(life: &Life) -> Step {
    match &life.phase {
        Phase::Created(_) | Phase::Exited(_) => {
            let life = Life {
                restarts: 0,
                delay: Duration::ZERO,
                stopped_by_hand: false,
                ..life.clone()
            };
            Ok((life, vec![Effect::Start]))
        }
        Phase::Running(_) | Phase::Restarting(_) => Err(Refusal::NotModified),
        Phase::Paused(_) => Err(Refusal::Paused),
        Phase::Removing(_) | Phase::Dead(_) => Err(Refusal::BeingRemoved),
    }
}

fn started(life: &Life, pid: u32, at: Timestamp) -> Step {
    match &life.phase {
        Phase::Created(_) | Phase::Exited(_) | Phase::Restarting(_) => {
            let last_finished_at = life.phase.ended().map_or(Timestamp::ZERO, |ended| ended.finished_at);
            let running = Running {
                pid,
                started_at: at,
                last_finished_at,
                stopping: None,
            };
            let life = Life {
                phase: Phase::Running(running),
                ..life.clone()
            };
            Ok((life, vec![Effect::Persist, Effect::Publish(Action::Start)]))
        }
        Phase::Running(_) | Phase::Paused(_) | Phase::Removing(_) | Phase::Dead(_) => Err(Refusal::Stale),
    }
}

fn start_failed(life: &Life, failure: FailedStart) -> Step {
    let phase = match &life.phase {
        Phase::Created(_) => Phase::Created(Some(failure)),
        Phase::Exited(ended) | Phase::Restarting(ended) => Phase::Exited(Ended {
            code: failure.code,
            error: failure.message,
            ..ended.clone()
        }),
        Phase::Running(_) | Phase::Paused(_) | Phase::Removing(_) | Phase::Dead(_) => return Err(Refusal::Stale),
    };
    if life.auto_remove {
        let ended = phase.ended().cloned();
        return Ok((
            Life {
                phase: Phase::Removing(ended),
                ..life.clone()
            },
            vec![Effect::Remove],
        ));
    }
    Ok((Life { phase, ..life.clone() }, vec![Effect::Persist]))
}

fn exited(life: &Life, code: i32, at: Timestamp, out_of_memory: bool) -> Step {
    let running = match &life.phase {
        Phase::Running(running) | Phase::Paused(running) => running,
        Phase::Created(_) | Phase::Restarting(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => {
            return Err(Refusal::Stale);
        }
    };
    let ended = Ended {
        code,
        started_at: running.started_at,
        finished_at: at,
        out_of_memory,
        error: String::new(),
    };
    let mut effects = vec![Effect::DisarmStop, Effect::TearDown];
    let mut news = Vec::new();
    if out_of_memory {
        news.push(Effect::Publish(Action::OutOfMemory));
    }
    news.push(Effect::Publish(Action::Die));
    let mut next = life.clone();
    match running.stopping {
        Some(Stopping::Remove) => {
            next.phase = Phase::Removing(Some(ended));
            effects.append(&mut news);
            effects.extend([Effect::Remove, Effect::Release]);
        }
        Some(Stopping::StartAgain) => {
            next.phase = Phase::Exited(ended);
            next.stopped_by_hand = false;
            effects.push(Effect::Persist);
            effects.append(&mut news);
            effects.extend([Effect::Publish(Action::Stop), Effect::Release, Effect::Start]);
            effects.push(Effect::Publish(Action::Restart));
        }
        stopping @ (Some(Stopping::Stay) | None) => {
            if stopping.is_some() {
                news.push(Effect::Publish(Action::Stop));
            }
            ended_by_itself(&mut next, ended, &mut effects, news);
        }
    }
    Ok((next, effects))
}

fn ended_by_itself(life: &mut Life, ended: Ended, effects: &mut Vec<Effect>, mut news: Vec<Effect>) {
    let length = ended.finished_at.since(ended.started_at);
    let run = Run {
        code: ended.code,
        length,
        restarts: life.restarts,
        stopped_by_hand: life.stopped_by_hand,
    };
    if life.policy.restarts_after(run) {
        life.delay = restart::delay(life.delay, length);
        life.restarts += 1;
        life.phase = Phase::Restarting(ended);
        effects.push(Effect::Persist);
        effects.append(&mut news);
        effects.extend([Effect::Release, Effect::ArmRestart(life.delay)]);
    } else if life.auto_remove {
        life.phase = Phase::Removing(Some(ended));
        effects.append(&mut news);
        effects.extend([Effect::Remove, Effect::Release]);
    } else {
        life.phase = Phase::Exited(ended);
        effects.push(Effect::Persist);
        effects.append(&mut news);
        effects.push(Effect::Release);
    }
}

fn stop(life: &Life, signal: i32, timeout: Option<Duration>, then: Stopping) -> Step {
    match &life.phase {
        Phase::Running(running) | Phase::Paused(running) => {
            let then = running.stopping.map_or(then, |before| stronger(before, then));
            let running = Running {
                stopping: Some(then),
                ..running.clone()
            };
            let phase = Phase::Running(running);
            let mut effects = vec![Effect::Signal(signal)];
            effects.extend(timeout.map(Effect::ArmStop));
            Ok((
                Life {
                    phase,
                    stopped_by_hand: true,
                    ..life.clone()
                },
                effects,
            ))
        }
        Phase::Restarting(ended) => stop_restarting(life, ended, then),
        Phase::Created(_) | Phase::Exited(_) => match then {
            Stopping::StartAgain => {
                let (life, mut effects) = start(life)?;
                effects.push(Effect::Publish(Action::Restart));
                Ok((life, effects))
            }
            Stopping::Stay => Err(Refusal::NotModified),
            Stopping::Remove => remove(life, true),
        },
        Phase::Removing(_) | Phase::Dead(_) => Err(Refusal::BeingRemoved),
    }
}

fn stop_restarting(life: &Life, ended: &Ended, then: Stopping) -> Step {
    let mut next = Life {
        phase: Phase::Exited(ended.clone()),
        stopped_by_hand: true,
        ..life.clone()
    };
    let mut effects = vec![Effect::DisarmRestart];
    match then {
        Stopping::Stay => effects.extend([Effect::Persist, Effect::Publish(Action::Stop)]),
        Stopping::StartAgain => {
            next.stopped_by_hand = false;
            effects.extend([Effect::Start, Effect::Publish(Action::Restart)]);
        }
        Stopping::Remove => {
            next.phase = Phase::Removing(Some(ended.clone()));
            effects.push(Effect::Remove);
        }
    }
    Ok((next, effects))
}

/// Of two wishes for the same container the one that leaves less of it wins.
fn stronger(one: Stopping, other: Stopping) -> Stopping {
    match (one, other) {
        (Stopping::Remove, _) | (_, Stopping::Remove) => Stopping::Remove,
        (Stopping::StartAgain, _) | (_, Stopping::StartAgain) => Stopping::StartAgain,
        (Stopping::Stay, Stopping::Stay) => Stopping::Stay,
    }
}

fn stop_deadline(life: &Life) -> Step {
    match &life.phase {
        Phase::Running(running) | Phase::Paused(running) if running.stopping.is_some() => {
            Ok((life.clone(), vec![Effect::Signal(SIGKILL)]))
        }
        Phase::Created(_)
        | Phase::Running(_)
        | Phase::Paused(_)
        | Phase::Restarting(_)
        | Phase::Exited(_)
        | Phase::Removing(_)
        | Phase::Dead(_) => Err(Refusal::Stale),
    }
}

fn kill(life: &Life, signal: i32, ends: bool) -> Step {
    let stopped_by_hand = life.stopped_by_hand || ends;
    match &life.phase {
        Phase::Running(_) | Phase::Paused(_) => Ok((
            Life {
                stopped_by_hand,
                ..life.clone()
            },
            vec![Effect::Signal(signal)],
        )),
        Phase::Restarting(ended) if ends => stop_restarting(life, ended, Stopping::Stay),
        Phase::Restarting(_) => Ok((life.clone(), Vec::new())),
        Phase::Created(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => Err(Refusal::NotRunning),
    }
}

fn restart_due(life: &Life) -> Step {
    match &life.phase {
        Phase::Restarting(_) => Ok((life.clone(), vec![Effect::Start])),
        Phase::Created(_)
        | Phase::Running(_)
        | Phase::Paused(_)
        | Phase::Exited(_)
        | Phase::Removing(_)
        | Phase::Dead(_) => Err(Refusal::Stale),
    }
}

fn remove(life: &Life, force: bool) -> Step {
    let ended = match &life.phase {
        Phase::Created(_) => None,
        Phase::Exited(ended) => Some(ended.clone()),
        Phase::Dead(ended) => ended.clone(),
        Phase::Running(_) | Phase::Paused(_) | Phase::Restarting(_) if !force => {
            return Err(Refusal::StillRunning);
        }
        Phase::Running(_) | Phase::Paused(_) => return stop(life, SIGKILL, None, Stopping::Remove),
        Phase::Restarting(ended) => return stop_restarting(life, ended, Stopping::Remove),
        Phase::Removing(_) => return Err(Refusal::BeingRemoved),
    };
    Ok((
        Life {
            phase: Phase::Removing(ended),
            ..life.clone()
        },
        vec![Effect::Remove],
    ))
}

fn remove_failed(life: &Life) -> Step {
    match &life.phase {
        Phase::Removing(ended) => Ok((
            Life {
                phase: Phase::Dead(ended.clone()),
                ..life.clone()
            },
            vec![Effect::Persist],
        )),
        Phase::Created(_)
        | Phase::Running(_)
        | Phase::Paused(_)
        | Phase::Restarting(_)
        | Phase::Exited(_)
        | Phase::Dead(_) => Err(Refusal::Stale),
    }
}

fn pause(life: &Life) -> Step {
    match &life.phase {
        Phase::Running(running) => Ok((
            Life {
                phase: Phase::Paused(running.clone()),
                ..life.clone()
            },
            Vec::new(),
        )),
        Phase::Paused(_) => Err(Refusal::Paused),
        Phase::Created(_) | Phase::Restarting(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => {
            Err(Refusal::NotRunning)
        }
    }
}

fn unpause(life: &Life) -> Step {
    match &life.phase {
        Phase::Paused(running) => Ok((
            Life {
                phase: Phase::Running(running.clone()),
                ..life.clone()
            },
            Vec::new(),
        )),
        Phase::Running(_) => Err(Refusal::NotModified),
        Phase::Created(_) | Phase::Restarting(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => {
            Err(Refusal::NotRunning)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds, 0)
    }

    fn ended(code: i32) -> Ended {
        Ended {
            code,
            started_at: at(1),
            finished_at: at(2),
            ..Ended::default()
        }
    }

    fn running(stopping: Option<Stopping>) -> Running {
        Running {
            pid: 7,
            started_at: at(1),
            last_finished_at: Timestamp::ZERO,
            stopping,
        }
    }

    /// Every phase, with the variants that decide differently.
    fn phases() -> Vec<(&'static str, Phase)> {
        vec![
            ("created", Phase::Created(None)),
            ("running", Phase::Running(running(None))),
            ("stopping", Phase::Running(running(Some(Stopping::Stay)))),
            (
                "restarting-by-hand",
                Phase::Running(running(Some(Stopping::StartAgain))),
            ),
            ("force-removing", Phase::Running(running(Some(Stopping::Remove)))),
            ("paused", Phase::Paused(running(None))),
            ("restarting", Phase::Restarting(ended(1))),
            ("exited", Phase::Exited(ended(1))),
            ("removing", Phase::Removing(None)),
            ("dead", Phase::Dead(None)),
        ]
    }

    fn events() -> Vec<(&'static str, Event)> {
        let stop = |then| Event::Stop {
            signal: 15,
            timeout: Some(Duration::from_secs(10)),
            then,
        };
        let failure = FailedStart {
            code: 127,
            message: "no".to_owned(),
        };
        vec![
            ("start", Event::Start),
            ("started", Event::Started { pid: 8, at: at(3) }),
            ("start-failed", Event::StartFailed(failure)),
            (
                "exit",
                Event::Exited {
                    code: 0,
                    at: at(4),
                    out_of_memory: false,
                },
            ),
            ("stop", stop(Stopping::Stay)),
            ("restart", stop(Stopping::StartAgain)),
            ("deadline", Event::StopDeadline),
            ("kill", Event::Kill { signal: 9, ends: true }),
            ("signal", Event::Kill { signal: 1, ends: false }),
            ("due", Event::RestartDue),
            ("rm", Event::Remove { force: false }),
            ("rm-f", Event::Remove { force: true }),
            ("rm-failed", Event::RemoveFailed),
            ("pause", Event::Paused),
            ("unpause", Event::Unpaused),
        ]
    }

    fn word(effect: &Effect) -> String {
        match effect {
            Effect::Start => "Start".into(),
            Effect::Signal(signal) => format!("Signal{signal}"),
            Effect::ArmStop(_) => "ArmStop".into(),
            Effect::DisarmStop => "Disarm".into(),
            Effect::ArmRestart(_) => "ArmRestart".into(),
            Effect::DisarmRestart => "Disarm".into(),
            Effect::TearDown => "TearDown".into(),
            Effect::Persist => "Persist".into(),
            Effect::Publish(action) => format!("{action:?}").to_lowercase(),
            Effect::Remove => "Remove".into(),
            Effect::Release => "Release".into(),
        }
    }

    fn table() -> String {
        let mut text = String::new();
        for (phase_name, phase) in phases() {
            for (event_name, event) in events() {
                let life = Life {
                    phase: phase.clone(),
                    ..Life::created(RestartPolicy::No, false)
                };
                let outcome = match step(&life, event) {
                    Ok((life, effects)) => {
                        let effects: Vec<String> = effects.iter().map(word).collect();
                        let stopping = life.phase.running().and_then(|running| running.stopping);
                        let stopping = stopping.map(|stopping| format!("({stopping:?})")).unwrap_or_default();
                        format!(
                            "{}{stopping} {}",
                            crate::container::status::state(&life.phase),
                            effects.join(" ")
                        )
                    }
                    Err(refusal) => format!("! {refusal:?}"),
                };
                text.push_str(format!("{phase_name} + {event_name}: {outcome}").trim_end());
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn every_phase_and_event() {
        let expected = include_str!("phase_table.txt");
        assert_eq!(table(), expected, "\n{}", table());
    }

    fn exit_of(policy: RestartPolicy, auto_remove: bool, stopped_by_hand: bool, code: i32) -> (Life, Vec<String>) {
        let phase = Phase::Running(running(None));
        let life = Life {
            phase,
            stopped_by_hand,
            ..Life::created(policy, auto_remove)
        };
        let (life, effects) = step(
            &life,
            Event::Exited {
                code,
                at: at(4),
                out_of_memory: true,
            },
        )
        .unwrap();
        (life, effects.iter().map(word).collect())
    }

    #[test]
    fn what_follows_an_exit() {
        let (life, effects) = exit_of(RestartPolicy::Always, false, false, 3);
        assert_eq!((life.restarts, life.delay), (1, restart::FIRST_DELAY));
        assert_eq!(
            effects,
            [
                "Disarm",
                "TearDown",
                "Persist",
                "outofmemory",
                "die",
                "Release",
                "ArmRestart"
            ]
        );
        let (life, _) = exit_of(RestartPolicy::Always, false, true, 3);
        assert!(matches!(life.phase, Phase::Exited(_)));
        let (life, effects) = exit_of(RestartPolicy::No, true, false, 0);
        assert!(matches!(life.phase, Phase::Removing(Some(_))));
        assert_eq!(
            effects,
            ["Disarm", "TearDown", "outofmemory", "die", "Remove", "Release"]
        );
    }

    #[test]
    fn a_failed_start_of_one_that_goes_at_its_end_removes_it() {
        let life = Life::created(RestartPolicy::No, true);
        let failure = FailedStart {
            code: 127,
            message: "no".to_owned(),
        };
        let (life, effects) = step(&life, Event::StartFailed(failure)).unwrap();
        assert_eq!((life.phase, effects), (Phase::Removing(None), vec![Effect::Remove]));
    }

    #[test]
    fn the_wish_that_leaves_less_wins() {
        let life = Life {
            phase: Phase::Running(running(Some(Stopping::Remove))),
            ..Life::created(RestartPolicy::No, false)
        };
        let stop = Event::Stop {
            signal: 15,
            timeout: None,
            then: Stopping::StartAgain,
        };
        let (life, _) = step(&life, stop).unwrap();
        assert_eq!(life.phase.running().unwrap().stopping, Some(Stopping::Remove));
    }
}
