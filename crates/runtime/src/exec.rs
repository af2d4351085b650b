//! Executes one more process in a running container.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use corten_sys::clone::{self as sys, CloneOptions, Cloned};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, pidfd_open};

use crate::cgroup;
use crate::create::wire::{self, Message};
use crate::create::{CreateError, PidNamespace, Stdio, abandon, give};
use crate::failure::Context;
use crate::inside;
use crate::plan::{ExecPlan, Namespaces};

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

/// How long a process may live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It is killed when the calling thread ends.
    Callers,
    /// It outlives the caller.
    Own,
}

/// Starts `plan` in the namespaces of the container whose first process is `init_pid`; returns after its exec.
/// The process gets a death signal tied to the calling thread.
pub fn exec(plan: &ExecPlan, init_pid: u32, stdio: Stdio) -> Result<Process, CreateError> {
    exec_with(plan, init_pid, stdio, Lifetime::Callers)
}

/// [`exec`] of a process that may outlive its caller.
pub fn exec_with(plan: &ExecPlan, init_pid: u32, stdio: Stdio, lifetime: Lifetime) -> Result<Process, CreateError> {
    // The child is visible in the container from its first moment on, with this program's memory.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).internal(|| "become undumpable")?;
    let pid = i32::try_from(init_pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| CreateError::invalid("container is not running"))?;
    let container = pidfd_open(pid, PidfdFlags::empty()).invalid(|| "open the container's process")?;
    let user = &plan.namespaces;
    if user.user.is_private() {
        give(&stdio, user)?;
    }
    let joins = Joins::of(&plan.namespaces, container, init_pid)?;
    let groups = cgroup::open(&plan.cgroup, init_pid)?;
    let (socket, child_socket) = wire::pair().internal(|| "make a socket pair")?;
    let home = if plan.namespaces.pid.is_private() {
        Some(PidNamespace::join_descriptor(joins.container.as_fd())?)
    } else {
        None
    };
    let cloned = sys::clone3(CloneOptions {
        namespaces: 0,
        cgroup: groups.unified(),
        sibling: false,
    });
    let (pid, pidfd) = match cloned.internal(|| "clone a process")? {
        Cloned::Child => {
            drop(socket);
            inside::further_process(
                plan,
                stdio,
                inside::Further {
                    joins,
                    lifetime,
                    groups: &groups,
                },
                child_socket,
            )
        }
        Cloned::Parent { pid, pidfd } => (pid, pidfd),
    };
    drop((child_socket, stdio));
    let left = home.map_or(Ok(()), PidNamespace::leave);
    match left.and_then(|()| converse(plan, pid, &socket)) {
        Ok(console) => Ok(Process { pid, pidfd, console }),
        Err(error) => Err(abandon(pidfd.as_fd(), error)),
    }
}

fn converse(plan: &ExecPlan, pid: u32, socket: &OwnedFd) -> Result<Option<OwnedFd>, CreateError> {
    crate::create::set_oom_score(&plan.process, pid)?;
    if plan.namespaces.user.is_private() {
        inside::limits::set_resources(&plan.process, pid)?;
    }
    wire::send(socket, &Message::Go).unwrap_or_default();
    let mut terminal = None;
    loop {
        match wire::receive(socket).internal(|| "wait for the process")? {
            Message::Ready(console) => terminal = Some(console),
            Message::Failed(error) => return Err(error),
            Message::End => {
                return terminal.ok_or_else(|| CreateError::internal("the process ended before its exec"));
            }
            other @ (Message::Go | Message::Start | Message::Hooks | Message::Tree(_) | Message::Cloned(_)) => {
                return Err(CreateError::internal(format!(
                    "unexpected message of the process: {other:?}"
                )));
            }
        }
    }
}

/// The container's namespaces, to be entered by the new process.
pub(crate) struct Joins {
    container: OwnedFd,
    /// The container's root, where no mount namespace leads to it.
    root: Option<OwnedFd>,
    kinds: u64,
    user: bool,
}

impl Joins {
    fn of(namespaces: &Namespaces, container: OwnedFd, init_pid: u32) -> Result<Self, CreateError> {
        let kinds = [
            (&namespaces.mount, sys::NEW_MOUNT),
            (&namespaces.network, sys::NEW_NETWORK),
            (&namespaces.ipc, sys::NEW_IPC),
            (&namespaces.uts, sys::NEW_UTS),
            (&namespaces.cgroup, sys::NEW_CGROUP),
            (&namespaces.user, sys::NEW_USER),
            (&namespaces.time, sys::NEW_TIME),
        ];
        let kinds = kinds
            .iter()
            .filter(|(kind, _)| kind.is_private())
            .map(|(_, flag)| flag)
            .sum();
        let root = if namespaces.mount.is_private() {
            None
        } else {
            Some(
                File::open(format!("/proc/{init_pid}/root"))
                    .internal(|| "open the container's root")?
                    .into(),
            )
        };
        Ok(Self {
            container,
            root,
            kinds,
            user: namespaces.user.is_private(),
        })
    }

    /// Enters all of them at once.
    pub(crate) fn enter(self) -> Result<(), CreateError> {
        if self.kinds != 0 {
            sys::set_namespaces(self.container.as_fd(), self.kinds).internal(|| "join the container's namespaces")?;
        }
        if let Some(root) = &self.root {
            rustix::process::fchdir(root).internal(|| "enter the container's root")?;
            rustix::process::chroot(".").internal(|| "chroot")?;
        }
        if self.user {
            inside::become_root()?;
        }
        rustix::process::chdir("/").internal(|| "enter /")
    }
}
