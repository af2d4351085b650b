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

mod step;

use std::time::Duration;

use corten_base::Timestamp;

use super::restart::RestartPolicy;
pub use step::step;

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
    /// Its memory has run out, which was published.
    pub out_of_memory: bool,
}

/// What follows when a container that is being stopped has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// It stays stopped.
    Stay,
    /// It ends because the engine does (the host goes down): nobody asked for it by hand, and the next engine
    /// takes its end for one that nobody saw, so that its policy decides as if it had ended by itself.
    WithEngine,
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
    /// Its memory has run out, and a process of it was killed or is about to be.
    OutOfMemory,
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
    /// A client asks to freeze its processes.
    Pause,
    /// They could not be frozen.
    FreezeFailed,
    /// A client asks to let them go on.
    Unpause,
    /// They are still frozen.
    ThawFailed,
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
    /// Freeze its processes; ends in `FreezeFailed` when that fails.
    Freeze,
    /// Let them go on; ends in `ThawFailed` when that fails.
    Thaw,
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
    /// Its processes are frozen.
    Pause,
    /// They go on.
    Unpause,
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
    /// It is paused, as asked.
    AlreadyPaused,
    /// It is not paused.
    NotPaused,
    /// It waits to be restarted.
    Restarting,
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

#[cfg(test)]
mod tests;
