//! Executes a plan: cgroups, namespaces, root, first process up to its exec.

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// A process's standard streams.
#[derive(Debug)]
pub enum Stdio {
    /// These descriptors, which the process gets as 0, 1 and 2.
    Files {
        /// Standard input.
        stdin: OwnedFd,
        /// Standard output.
        stdout: OwnedFd,
        /// Standard error.
        stderr: OwnedFd,
    },
    /// A new terminal; its other end is `console` of the result. Size in character cells, zero: unknown.
    Terminal {
        /// Height.
        rows: u16,
        /// Width.
        columns: u16,
    },
    /// Those of the calling process.
    Inherit,
}

/// What kind of failure, which decides the API's status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The program is not there (exit code 127).
    CommandNotFound,
    /// The program cannot be executed (exit code 126).
    CommandNotExecutable,
    /// User, working directory, mount source or another part of the request is wrong.
    InvalidRequest,
    /// The kernel or the host refused.
    Internal,
}

/// Why a process was not made. Nothing of the attempt is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct CreateError {
    /// What kind.
    pub kind: FailureKind,
    /// In the words that Docker's users know.
    pub message: String,
}

/// A container's first process, stopped before its exec.
#[derive(Debug)]
pub struct Init {
    /// Its pid as the caller sees it.
    pub pid: u32,
    /// Polls readable when it has ended; reap with `waitid(P_PIDFD)`.
    pub pidfd: OwnedFd,
    /// The controlling end of its terminal, if it has one.
    pub console: Option<OwnedFd>,
}

impl Init {
    /// Lets it execute its program; returns when that has happened, with the exec's own failure otherwise
    /// (the process is then gone, but not reaped, and the cgroups still exist).
    pub fn start(&mut self, _plan: &Plan) -> Result<(), CreateError> {
        unimplemented!()
    }
}

/// Makes a container up to the exec of its first process. On failure nothing is left.
///
/// The network namespace of a plan that says `Inherit` is the caller's. The first process gets a
/// death signal tied to the calling thread.
pub fn create(_plan: &Plan, _stdio: Stdio) -> Result<Init, CreateError> {
    unimplemented!()
}
