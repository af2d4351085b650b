//! The transitions: which life follows an event, and which effects. Pure.

use std::time::Duration;

use corten_base::Timestamp;

use super::super::restart::{self, RestartPolicy, Run};
use super::{Action, Effect, Ended, Event, FailedStart, Life, Phase, Refusal, Running, SIGKILL, Stopping};

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
        Event::OutOfMemory => out_of_memory(life),
        Event::Stop { signal, timeout, then } => stop(life, signal, timeout, then),
        Event::StopDeadline => stop_deadline(life),
        Event::Kill { signal, ends } => kill(life, signal, ends),
        Event::RestartDue => restart_due(life),
        Event::Remove { force } => remove(life, force),
        Event::RemoveFailed => remove_failed(life),
        Event::Pause => pause(life),
        Event::Unpause => unpause(life),
        Event::FreezeFailed => freeze_failed(life),
        Event::ThawFailed => thaw_failed(life),
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
                out_of_memory: false,
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

fn out_of_memory(life: &Life) -> Step {
    let mut life = life.clone();
    match &mut life.phase {
        Phase::Running(running) | Phase::Paused(running) => running.out_of_memory = true,
        Phase::Created(_) | Phase::Restarting(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => {
            return Err(Refusal::Stale);
        }
    }
    Ok((life, vec![Effect::Persist, Effect::Publish(Action::OutOfMemory)]))
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
        out_of_memory: out_of_memory || running.out_of_memory,
        error: String::new(),
    };
    let mut effects = vec![Effect::DisarmStop, Effect::TearDown];
    let mut news = Vec::new();
    if out_of_memory && !running.out_of_memory {
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
        Some(Stopping::WithEngine) if !life.auto_remove => {
            // Not recorded: `state.json` says that it runs, `exit.json` how it ended.
            next.phase = Phase::Exited(ended);
            effects.append(&mut news);
            effects.extend([Effect::Publish(Action::Stop), Effect::Release]);
        }
        stopping @ (Some(Stopping::Stay | Stopping::WithEngine) | None) => {
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
            let mut effects = vec![Effect::Signal(signal)];
            effects.extend(timeout.map(Effect::ArmStop));
            if matches!(life.phase, Phase::Paused(_)) {
                effects.extend(wake(signal));
            }
            let phase = Phase::Running(running);
            Ok((
                Life {
                    phase,
                    stopped_by_hand: life.stopped_by_hand || then != Stopping::WithEngine,
                    ..life.clone()
                },
                effects,
            ))
        }
        // A restart that is due stays due.
        Phase::Restarting(_) if then == Stopping::WithEngine => Err(Refusal::NotModified),
        Phase::Restarting(ended) => stop_restarting(life, ended, then),
        Phase::Created(_) | Phase::Exited(_) => match then {
            Stopping::StartAgain => {
                let (life, mut effects) = start(life)?;
                effects.push(Effect::Publish(Action::Restart));
                Ok((life, effects))
            }
            Stopping::Stay | Stopping::WithEngine => Err(Refusal::NotModified),
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
        Stopping::Stay | Stopping::WithEngine => effects.extend([Effect::Persist, Effect::Publish(Action::Stop)]),
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
        (Stopping::WithEngine, Stopping::StartAgain) | (Stopping::StartAgain, Stopping::WithEngine) => {
            Stopping::WithEngine
        }
        (Stopping::StartAgain, _) | (_, Stopping::StartAgain) => Stopping::StartAgain,
        (Stopping::Stay, _) | (_, Stopping::Stay) => Stopping::Stay,
        (Stopping::WithEngine, Stopping::WithEngine) => Stopping::WithEngine,
    }
}

fn stop_deadline(life: &Life) -> Step {
    match &life.phase {
        Phase::Running(running) if running.stopping.is_some() => Ok((life.clone(), vec![Effect::Signal(SIGKILL)])),
        Phase::Paused(running) if running.stopping.is_some() => {
            let mut effects = vec![Effect::Signal(SIGKILL)];
            effects.extend(wake(SIGKILL));
            let phase = Phase::Running(running.clone());
            Ok((Life { phase, ..life.clone() }, effects))
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
    // With this policy any signal counts, whatever it does (observed: dockerd 28.5).
    let stopped_by_hand = life.stopped_by_hand || ends || life.policy == RestartPolicy::UnlessStopped;
    match &life.phase {
        Phase::Paused(running) if ends => {
            let mut effects = vec![Effect::Signal(signal)];
            effects.extend(wake(signal));
            let phase = Phase::Running(running.clone());
            Ok((
                Life {
                    phase,
                    stopped_by_hand,
                    ..life.clone()
                },
                effects,
            ))
        }
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
            vec![Effect::Freeze, Effect::Publish(Action::Pause)],
        )),
        Phase::Paused(_) => Err(Refusal::AlreadyPaused),
        Phase::Restarting(_) => Err(Refusal::Restarting),
        Phase::Created(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => Err(Refusal::NotRunning),
    }
}

fn unpause(life: &Life) -> Step {
    match &life.phase {
        Phase::Paused(running) => Ok((
            Life {
                phase: Phase::Running(running.clone()),
                ..life.clone()
            },
            vec![Effect::Thaw, Effect::Publish(Action::Unpause)],
        )),
        Phase::Created(_)
        | Phase::Running(_)
        | Phase::Restarting(_)
        | Phase::Exited(_)
        | Phase::Removing(_)
        | Phase::Dead(_) => Err(Refusal::NotPaused),
    }
}

/// What a signal that ends a paused container needs after it: frozen processes do not take it.
fn wake(signal: i32) -> Vec<Effect> {
    let told = (signal != SIGKILL).then_some(Effect::Publish(Action::Unpause));
    std::iter::once(Effect::Thaw).chain(told).collect()
}

fn freeze_failed(life: &Life) -> Step {
    match &life.phase {
        Phase::Paused(running) => Ok((
            Life {
                phase: Phase::Running(running.clone()),
                ..life.clone()
            },
            Vec::new(),
        )),
        Phase::Created(_)
        | Phase::Running(_)
        | Phase::Restarting(_)
        | Phase::Exited(_)
        | Phase::Removing(_)
        | Phase::Dead(_) => Err(Refusal::Stale),
    }
}

/// A stop that is under way goes on: its deadline kills.
fn thaw_failed(life: &Life) -> Step {
    match &life.phase {
        Phase::Running(running) => Ok((
            Life {
                phase: Phase::Paused(running.clone()),
                ..life.clone()
            },
            Vec::new(),
        )),
        Phase::Created(_)
        | Phase::Paused(_)
        | Phase::Restarting(_)
        | Phase::Exited(_)
        | Phase::Removing(_)
        | Phase::Dead(_) => Err(Refusal::Stale),
    }
}
