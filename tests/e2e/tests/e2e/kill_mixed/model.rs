//! What a container may be after what was asked of it: pure, no daemon.
//!
//! An answer narrows the possibilities, a request without answer (its daemon was killed) widens them.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

/// Where a container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Absent,
    Created,
    Running,
    Paused,
    Exited,
}

impl Phase {
    /// From `State.Status` of an inspect answer.
    pub(super) fn parse(status: &str) -> Result<Self> {
        match status {
            "created" => Ok(Self::Created),
            "running" => Ok(Self::Running),
            "paused" => Ok(Self::Paused),
            "exited" => Ok(Self::Exited),
            other => bail!("State.Status is {other:?}"),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Start,
    Stop,
    Kill,
    Pause,
    Unpause,
    Restart,
    Rename,
    Update,
    Connect,
    Disconnect,
    Exec,
    Remove,
}

impl Act {
    /// Those a random walk chooses from; what moves on is in it more often than what ends.
    pub(super) const WALK: [Self; 16] = [
        Self::Create,
        Self::Start,
        Self::Start,
        Self::Start,
        Self::Stop,
        Self::Kill,
        Self::Pause,
        Self::Unpause,
        Self::Restart,
        Self::Rename,
        Self::Update,
        Self::Connect,
        Self::Disconnect,
        Self::Exec,
        Self::Exec,
        Self::Remove,
    ];

    /// Where a container stands after this was done to one that stood at `phase`; `None` when it
    /// must be refused there.
    fn done(self, phase: Phase) -> Option<Phase> {
        use Phase::{Absent, Created, Exited, Paused, Running};
        match (self, phase) {
            (Self::Create, Absent) => Some(Created),
            (Self::Create, _) | (_, Absent) => None,
            (Self::Start, Created | Exited | Running) => Some(Running),
            (Self::Stop, Created) => Some(Created),
            (Self::Stop, _) => Some(Exited),
            (Self::Kill, Running | Paused) => Some(Exited),
            (Self::Pause, Running) => Some(Paused),
            (Self::Unpause, Paused) => Some(Running),
            (Self::Restart, _) => Some(Running),
            (Self::Exec, Running) => Some(Running),
            (Self::Rename | Self::Update | Self::Connect | Self::Disconnect, same) => Some(same),
            (Self::Remove, _) => Some(Absent),
            _ => None,
        }
    }

    /// Phases on the way, where a killed daemon may leave it.
    fn between(self) -> &'static [Phase] {
        match self {
            Self::Restart | Self::Remove => &[Phase::Exited],
            _ => &[],
        }
    }
}

/// Everything a container may be.
#[derive(Debug, Clone)]
pub(super) struct Possible {
    phases: BTreeSet<Phase>,
    /// Whether its program ends by itself.
    is_short: bool,
    /// Whether it was told to end by a daemon that did not live to answer: it may be seen running for a moment.
    is_told_to_end: bool,
}

impl Possible {
    pub(super) fn absent(is_short: bool) -> Self {
        Self {
            phases: BTreeSet::from([Phase::Absent]),
            is_short,
            is_told_to_end: false,
        }
    }

    /// After an answer with this status.
    pub(super) fn answered(&mut self, act: Act, status: u16) -> Result<()> {
        let next: BTreeSet<Phase> = match status {
            200..=304 => self.phases.iter().filter_map(|phase| act.done(*phase)).collect(),
            // A network that it is (not) in already is refused in every phase.
            400..=409 if matches!(act, Act::Connect | Act::Disconnect) => self.phases.clone(),
            // So Docker says that it is not in it.
            500 if act == Act::Disconnect => self.phases.clone(),
            404 => self
                .phases
                .iter()
                .copied()
                .filter(|phase| *phase == Phase::Absent)
                .collect(),
            409 => self.refused(act),
            // Docker refuses to unpause what is not paused with this status.
            500 if act == Act::Unpause => self.refused(act),
            other => bail!("{act:?} of what is one of {:?} is answered {other}", self.phases),
        };
        ensure!(
            !next.is_empty(),
            "{act:?} of what is one of {:?} is answered {status}",
            self.phases
        );
        self.phases = next;
        if matches!(act, Act::Start | Act::Restart) && status == 204 {
            self.is_told_to_end = false;
        }
        self.end_by_itself();
        Ok(())
    }

    /// After a request whose answer never came.
    pub(super) fn unanswered(&mut self, act: Act) {
        let done: Vec<Phase> = self.phases.iter().filter_map(|phase| act.done(*phase)).collect();
        if !done.is_empty() {
            self.phases.extend(act.between());
        }
        let ends = matches!(act, Act::Stop | Act::Kill | Act::Restart | Act::Remove);
        if ends && self.phases.contains(&Phase::Paused) {
            // It has to be thawed before it can end.
            self.phases.insert(Phase::Running);
        }
        self.phases.extend(done);
        self.is_told_to_end |= ends;
        self.end_by_itself();
    }

    /// After a look at it.
    pub(super) fn seen(&mut self, phase: Phase) -> Result<()> {
        ensure!(
            self.phases.contains(&phase),
            "it is {phase:?}, and can only be one of {:?}",
            self.phases
        );
        self.phases = BTreeSet::from([phase]);
        self.end_by_itself();
        Ok(())
    }

    /// Whether it can only be this.
    pub(super) fn is_surely(&self, phase: Phase) -> bool {
        self.phases.len() == 1 && self.phases.contains(&phase)
    }

    /// The phases in which `act` is refused.
    fn refused(&self, act: Act) -> BTreeSet<Phase> {
        let refuses = |phase: &Phase| act.done(*phase).is_none();
        self.phases.iter().copied().filter(refuses).collect()
    }

    /// One that is paused may have ended just before, and nobody has been told yet.
    fn end_by_itself(&mut self) {
        let may_end = |phase: &Phase| matches!(phase, Phase::Running | Phase::Paused);
        if (self.is_short || self.is_told_to_end) && self.phases.iter().any(may_end) {
            self.phases.insert(Phase::Exited);
        }
    }
}

#[test]
fn an_answer_narrows_and_silence_widens() -> Result<()> {
    let mut it = Possible::absent(false);
    it.unanswered(Act::Create);
    assert_eq!(it.phases, BTreeSet::from([Phase::Absent, Phase::Created]));
    it.answered(Act::Start, 204)?;
    assert!(it.is_surely(Phase::Running));
    it.unanswered(Act::Restart);
    assert_eq!(it.phases, BTreeSet::from([Phase::Running, Phase::Exited]));
    it.answered(Act::Pause, 409)?;
    assert!(it.is_surely(Phase::Exited));
    let mut frozen = it.clone();
    frozen.answered(Act::Start, 204)?;
    frozen.answered(Act::Pause, 204)?;
    assert!(frozen.clone().seen(Phase::Running).is_err(), "nobody thawed it");
    frozen.unanswered(Act::Stop);
    assert_eq!(
        frozen.phases,
        BTreeSet::from([Phase::Running, Phase::Paused, Phase::Exited])
    );
    assert!(it.seen(Phase::Absent).is_err(), "a container that is lost");
    assert!(it.answered(Act::Start, 404).is_err(), "a container that is lost");
    assert!(it.answered(Act::Start, 500).is_err(), "a fault of the engine");
    Ok(())
}
