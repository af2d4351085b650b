//! Executes one more process in a running container.

use std::os::fd::OwnedFd;

use crate::create::{CreateError, Stdio};
use crate::plan::ExecPlan;

/// A process that executes its program.
#[derive(Debug)]
pub struct Process {
    /// Its pid as the caller sees it; a child of the caller.
    pub pid: u32,
    /// Polls readable when it has ended; reap with `waitid(P_PIDFD)`.
    pub pidfd: OwnedFd,
    /// The controlling end of its terminal, if it has one.
    pub console: Option<OwnedFd>,
}

/// Starts `plan` in the namespaces of the container whose first process is `init_pid`; returns after its exec.
pub fn exec(_plan: &ExecPlan, _init_pid: u32, _stdio: Stdio) -> Result<Process, CreateError> {
    unimplemented!()
}
