//! Executes a plan: cgroups, namespaces, root, first process up to its exec.
//!
//! The creator makes the cgroup directories, clones, and waits until the child, which enters its groups and
//! assembles the root ([`crate::inside`]), is ready for its exec.
//! The two speak over a socket pair ([`wire`]).

mod clone;
pub(crate) mod wire;

use std::os::fd::OwnedFd;

pub(crate) use clone::{PidNamespace, abandon, give, set_oom_score};

mod joined;

pub use crate::failure::{CreateError, FailureKind};

use crate::cgroup;
use crate::failure::Context;
use crate::hooks;
use crate::plan::{Plan, Rootfs};
use rustix::mount::UnmountFlags;
use wire::Message;

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

/// How a creator that does not outlive its child differs from a shim.
#[derive(Debug, Default)]
pub struct Options {
    /// The first process outlives the creator: no death signal.
    pub detached: bool,
    /// How many descriptors from number 3 on the program inherits.
    pub preserved_descriptors: u32,
    /// The calling thread joins the network namespace that is made with the first process, before anything else is
    /// done: whoever is told of it finds the network there. Nothing to do where the plan makes none.
    pub follow_network: bool,
    /// Who lets the program start, if not [`Init::start`].
    pub gate: Option<Gate>,
}

/// Start by another process: two named pipes that the child holds open.
#[derive(Debug)]
pub struct Gate {
    /// The child executes after it has read one byte here. Open for reading and writing.
    pub start: OwnedFd,
    /// The child writes a failure of its exec here as JSON; end of file: it succeeded. Open for writing.
    pub status: OwnedFd,
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
    socket: OwnedFd,
}

impl Init {
    /// Lets it execute its program; returns when that has happened. On failure the process is gone, but
    /// not reaped, and the cgroups still exist.
    ///
    /// A program that was found but that the kernel cannot execute (wrong format, missing interpreter) is no
    /// failure: as in Docker the container has started, says so on its standard error and ends with code 255.
    pub fn start(&mut self, plan: &Plan) -> Result<(), CreateError> {
        wire::send(&self.socket, &Message::Start).internal(|| "start the container's process")?;
        match wire::receive(&self.socket).internal(|| "wait for the exec")? {
            Message::End => hooks::poststart(plan, self.pid),
            Message::Failed(error) => Err(error),
            other => Err(CreateError::internal(format!("unexpected answer to start: {other:?}"))),
        }
    }
}

/// Makes a container up to the exec of its first process. On failure nothing is left.
///
/// The network namespace of a plan that says `Inherit` is the caller's. The first process gets a
/// death signal tied to the calling thread.
pub fn create(plan: &Plan, stdio: Stdio) -> Result<Init, CreateError> {
    create_with(plan, stdio, Options::default())
}

/// [`create`] with the differences of `options`.
pub fn create_with(plan: &Plan, stdio: Stdio, options: Options) -> Result<Init, CreateError> {
    let groups = cgroup::make(&plan.cgroup)?;
    let created = clone::first_process(plan, stdio, options, &groups);
    if created.is_err() {
        // The first failure is the one to report; what cannot be removed now is found by a later sweep.
        cgroup::remove(&plan.cgroup).unwrap_or_default();
        detach_root(plan).unwrap_or_default();
    }
    created
}

/// Unmounts what a container without a mount namespace of its own has left in the caller's.
pub fn detach_root(plan: &Plan) -> Result<(), CreateError> {
    let Rootfs::Directory(path) = &plan.root.source else {
        return Ok(());
    };
    if plan.namespaces.mount.is_private() {
        return Ok(());
    }
    match rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => Ok(()),
        unmounted => unmounted.internal(|| format!("unmount {}", path.display())),
    }
}
