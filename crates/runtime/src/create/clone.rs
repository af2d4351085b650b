//! The clone itself and the creator's side of the conversation that follows.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use corten_sys::clone::{self as sys, CloneOptions, Cloned};
use rustix::process::{WaitId, WaitIdOptions};

use super::wire::{self, Message};
use super::{Init, Options, Stdio};
use crate::cgroup::Groups;
use crate::failure::{Context, CreateError};
use crate::plan::{IdMapping, Namespace, Namespaces, Plan, Process};
use crate::{hooks, inside};

/// Clones the container's first process and brings it to the point before its exec.
pub(super) fn first_process(plan: &Plan, stdio: Stdio, options: Options, groups: &Groups) -> Result<Init, CreateError> {
    let (socket, child_socket) = wire::pair().internal(|| "make a socket pair")?;
    let joined = PidNamespace::join(&plan.namespaces.pid)?;
    let time = TimeNamespace::unshare(&plan.namespaces)?;
    let cloned = sys::clone3(CloneOptions {
        namespaces: flags(&plan.namespaces),
        cgroup: groups.unified(),
    });
    let cloned = cloned.internal(|| "clone the container's process")?;
    let (pid, pidfd) = match cloned {
        Cloned::Child => {
            drop(socket);
            inside::first_process(plan, inside::First { stdio, options, groups }, child_socket)
        }
        Cloned::Parent { pid, pidfd } => (pid, pidfd),
    };
    drop((child_socket, stdio, options));
    let conversation = restore(joined, time).and_then(|()| converse(plan, pid, &socket));
    match conversation {
        Ok(console) => Ok(Init {
            pid,
            pidfd,
            console,
            socket,
        }),
        Err(error) => Err(abandon(pidfd.as_fd(), error)),
    }
}

fn restore(pid: Option<PidNamespace>, time: Option<TimeNamespace>) -> Result<(), CreateError> {
    pid.map_or(Ok(()), PidNamespace::leave)?;
    time.map_or(Ok(()), TimeNamespace::leave)
}

/// `CLONE_NEW*` of the namespaces that the clone makes. The cgroup namespace comes later, inside the groups.
fn flags(namespaces: &Namespaces) -> u64 {
    let kinds = [
        (&namespaces.mount, sys::NEW_MOUNT),
        (&namespaces.pid, sys::NEW_PID),
        (&namespaces.network, sys::NEW_NETWORK),
        (&namespaces.ipc, sys::NEW_IPC),
        (&namespaces.uts, sys::NEW_UTS),
        (&namespaces.user, sys::NEW_USER),
    ];
    // Namespaces beside a joined user namespace must belong to it: the child makes them after joining.
    if matches!(namespaces.user, Namespace::Path(_)) {
        return 0;
    }
    kinds
        .iter()
        .filter(|(kind, _)| **kind == Namespace::New)
        .map(|(_, flag)| flag)
        .sum()
}

/// Maps, runs hooks, until the child is ready; gives its terminal.
fn converse(plan: &Plan, pid: u32, socket: &OwnedFd) -> Result<Option<OwnedFd>, CreateError> {
    if plan.namespaces.user == Namespace::New {
        write_mappings(pid, &plan.namespaces)?;
    }
    set_oom_score(&plan.process, pid)?;
    // A child that has already failed does not listen; its failure is read below.
    wire::send(socket, &Message::Go).unwrap_or_default();
    loop {
        match wire::receive(socket).internal(|| "wait for the container's process")? {
            Message::Hooks => {
                hooks::create_runtime(plan, pid)?;
                wire::send(socket, &Message::Go).unwrap_or_default();
            }
            Message::Ready(console) => return Ok(console),
            Message::Failed(error) => return Err(error),
            Message::End => return Err(CreateError::internal("the container's process ended before its exec")),
            other @ (Message::Go | Message::Start) => {
                return Err(CreateError::internal(format!(
                    "unexpected message of the container's process: {other:?}"
                )));
            }
        }
    }
}

/// By the creator: an undumpable process in a user namespace may not write its own.
pub(crate) fn set_oom_score(process: &Process, pid: u32) -> Result<(), CreateError> {
    let Some(score) = process.oom_score_adj else {
        return Ok(());
    };
    let path = format!("/proc/{pid}/oom_score_adj");
    fs::write(&path, score.to_string()).internal(|| format!("write {path}"))
}

fn write_mappings(pid: u32, namespaces: &Namespaces) -> Result<(), CreateError> {
    let text = |mappings: &[IdMapping]| -> String {
        mappings
            .iter()
            .map(|map| format!("{} {} {}\n", map.container_id, map.host_id, map.size))
            .collect()
    };
    for (file, mappings) in [
        ("uid_map", &namespaces.uid_mappings),
        ("gid_map", &namespaces.gid_mappings),
    ] {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, text(mappings)).internal(|| format!("write {path}"))?;
    }
    Ok(())
}

/// Ends and reaps a child that will not be used.
pub(crate) fn abandon(pidfd: BorrowedFd<'_>, error: CreateError) -> CreateError {
    // Both fail only if the child is already gone.
    rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL).unwrap_or_default();
    rustix::process::waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED).unwrap_or_default();
    error
}

/// A pid namespace can only be joined for children: join, clone, come back.
#[derive(Debug)]
pub(crate) struct PidNamespace {
    own: OwnedFd,
}

impl PidNamespace {
    /// Children of the caller are born in the namespace at the path from now on.
    pub(crate) fn join(namespace: &Namespace) -> Result<Option<Self>, CreateError> {
        let Namespace::Path(path) = namespace else {
            return Ok(None);
        };
        let target = fs::File::open(path).invalid(|| format!("open pid namespace {}", path.display()))?;
        Self::join_descriptor(target.as_fd()).map(Some)
    }

    /// The same by a descriptor, a namespace file or a pidfd.
    pub(crate) fn join_descriptor(target: BorrowedFd<'_>) -> Result<Self, CreateError> {
        let own = fs::File::open("/proc/self/ns/pid")
            .internal(|| "open own pid namespace")?
            .into();
        sys::set_namespaces(target, sys::NEW_PID).invalid(|| "join pid namespace")?;
        Ok(Self { own })
    }

    /// Children are born in the caller's own namespace again.
    pub(crate) fn leave(self) -> Result<(), CreateError> {
        sys::set_namespaces(self.own.as_fd(), sys::NEW_PID).internal(|| "come back to own pid namespace")
    }
}

/// A new time namespace is for children too, and its offsets must be set before the first is born.
#[derive(Debug)]
struct TimeNamespace {
    own: OwnedFd,
}

impl TimeNamespace {
    fn unshare(namespaces: &Namespaces) -> Result<Option<Self>, CreateError> {
        if namespaces.time != Namespace::New {
            return Ok(None);
        }
        let own = fs::File::open("/proc/self/ns/time")
            .internal(|| "open own time namespace")?
            .into();
        sys::unshare(sys::NEW_TIME).internal(|| "make time namespace")?;
        if !namespaces.time_offsets.is_empty() {
            fs::write("/proc/self/timens_offsets", namespaces.time_offsets.join("\n"))
                .internal(|| "write time offsets")?;
        }
        Ok(Some(Self { own }))
    }

    fn leave(self) -> Result<(), CreateError> {
        sys::set_namespaces(self.own.as_fd(), sys::NEW_TIME).internal(|| "come back to own time namespace")
    }
}
