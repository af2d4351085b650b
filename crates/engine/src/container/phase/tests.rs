//! The state machine as a table: every state with every event.

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
        out_of_memory: false,
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
        (
            "ending-with-engine",
            Phase::Running(running(Some(Stopping::WithEngine))),
        ),
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
        ("out-of-memory", Event::OutOfMemory),
        ("stop", stop(Stopping::Stay)),
        ("restart", stop(Stopping::StartAgain)),
        ("engine-ends", stop(Stopping::WithEngine)),
        ("deadline", Event::StopDeadline),
        ("kill", Event::Kill { signal: 9, ends: true }),
        ("signal", Event::Kill { signal: 1, ends: false }),
        ("due", Event::RestartDue),
        ("rm", Event::Remove { force: false }),
        ("rm-f", Event::Remove { force: true }),
        ("rm-failed", Event::RemoveFailed),
        ("pause", Event::Pause),
        ("freeze-failed", Event::FreezeFailed),
        ("unpause", Event::Unpause),
        ("thaw-failed", Event::ThawFailed),
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
        Effect::Freeze => "Freeze".into(),
        Effect::Thaw => "Thaw".into(),
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
fn want_of_memory_is_published_when_it_happens_and_not_again_at_the_end() {
    let exit = |out_of_memory| Event::Exited {
        code: 137,
        at: at(4),
        out_of_memory,
    };
    let running = Life {
        phase: Phase::Running(running(None)),
        ..Life::created(RestartPolicy::No, false)
    };
    let (told, effects) = step(&running, Event::OutOfMemory).expect("it runs");
    assert_eq!(effects, [Effect::Persist, Effect::Publish(Action::OutOfMemory)]);
    for (before, killed, published, recorded) in [
        (&told, true, false, true),
        (&told, false, false, true),
        (&running, true, true, true),
        (&running, false, false, false),
    ] {
        let (after, effects) = step(before, exit(killed)).expect("it runs");
        assert_eq!(effects.contains(&Effect::Publish(Action::OutOfMemory)), published);
        assert_eq!(after.phase.ended().expect("it has ended").out_of_memory, recorded);
    }
}

#[test]
fn every_phase_and_event() {
    let expected = include_str!("table.txt");
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
    assert_eq!((life.restarts, life.delay), (1, super::super::restart::FIRST_DELAY));
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
fn a_signal_is_a_stop_for_some() {
    for (policy, ends, stopped) in [
        (RestartPolicy::Always, false, false),
        (RestartPolicy::Always, true, true),
        (RestartPolicy::OnFailure { maximum: 0 }, false, false),
        (RestartPolicy::UnlessStopped, false, true),
    ] {
        let life = Life {
            phase: Phase::Running(running(None)),
            ..Life::created(policy, false)
        };
        let (life, _) = step(&life, Event::Kill { signal: 1, ends }).unwrap();
        assert_eq!(life.stopped_by_hand, stopped, "{policy:?} {ends}");
    }
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

#[test]
fn the_end_of_an_engine_is_nobodys_wish() {
    let life = Life {
        phase: Phase::Running(running(None)),
        ..Life::created(RestartPolicy::UnlessStopped, false)
    };
    let stop = Event::Stop {
        signal: 15,
        timeout: None,
        then: Stopping::WithEngine,
    };
    let (life, _) = step(&life, stop).unwrap();
    assert!(!life.stopped_by_hand);
    let exit = Event::Exited {
        code: 143,
        at: at(4),
        out_of_memory: false,
    };
    let (ended, effects) = step(&life, exit.clone()).unwrap();
    assert!(matches!(ended.phase, Phase::Exited(_)), "{ended:?}");
    assert!(
        !effects.contains(&Effect::Persist),
        "the next engine must see that it ran"
    );
    let removed = Life {
        auto_remove: true,
        policy: RestartPolicy::No,
        ..life
    };
    let (removed, _) = step(&removed, exit).unwrap();
    assert!(matches!(removed.phase, Phase::Removing(_)), "{removed:?}");
}
