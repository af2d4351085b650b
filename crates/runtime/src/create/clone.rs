//! The clone itself and the creator's side of the conversation that follows.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use corten_sys::clone::{self as sys, CloneOptions, Cloned};
use rustix::fs::{FileType, Gid, Uid, fchown};
use rustix::process::{WaitId, WaitIdOptions};

use super::wire::{self, Message};
use super::{Init, Options, Stdio, joined};
use crate::cgroup::Groups;
use crate::failure::{Context, CreateError};
use crate::plan::{IdMapping, Namespace, Namespaces, Plan, Process};
use crate::sources::{self, UserNamespace, write_mappings};
use crate::{hooks, inside};

/// Clones the container's first process and brings it to the point before its exec.
pub(super) fn first_process(plan: &Plan, stdio: Stdio, options: Options, groups: &Groups) -> Result<Init, CreateError> {
    let (socket, child_socket) = wire::pair().internal(|| "make a socket pair")?;
    let joined = PidNamespace::join(&plan.namespaces.pid)?;
    let time = TimeNamespace::unshare(&plan.namespaces)?;
    if plan.namespaces.user.is_private() {
        give(&stdio, &plan.namespaces)?;
    }
    let user = joined_user(&plan.namespaces)?;
    let joins = inside::open_paths(&plan.namespaces)?;
    let cloned = match &user {
        Some(user) => joined::clone(user, flags(&plan.namespaces), groups)?,
        None => sys::clone3(CloneOptions {
            namespaces: flags(&plan.namespaces),
            cgroup: groups.unified(),
            sibling: false,
        })
        .internal(|| "clone the container's process")?,
    };
    let follow = options.follow_network && plan.namespaces.network == Namespace::New;
    let (pid, pidfd) = match cloned {
        Cloned::Child => {
            drop(socket);
            inside::first_process(
                plan,
                inside::First {
                    stdio,
                    options,
                    joins,
                    groups,
                },
                child_socket,
            )
        }
        Cloned::Parent { pid, pidfd } => (pid, pidfd),
    };
    drop((child_socket, stdio, options, joins));
    let followed = || match follow {
        true => sys::set_namespaces(pidfd.as_fd(), sys::NEW_NETWORK).internal(|| "join the container's network"),
        false => Ok(()),
    };
    let conversation = restore(joined, time)
        .and_then(|()| followed())
        .and_then(|()| converse(plan, pid, &socket));
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
    kinds
        .iter()
        .filter(|(kind, _)| **kind == Namespace::New)
        .map(|(_, flag)| flag)
        .sum()
}

/// Maps, runs hooks, until the child is ready; gives its terminal.
fn converse(plan: &Plan, pid: u32, socket: &OwnedFd) -> Result<Option<OwnedFd>, CreateError> {
    let namespaces = &plan.namespaces;
    if namespaces.user == Namespace::New {
        write_mappings(pid, &namespaces.uid_mappings, &namespaces.gid_mappings)?;
    }
    set_oom_score(&plan.process, pid)?;
    let prepared = if sources::are_handed_over(plan) {
        sources::prepare(plan, user_namespace(namespaces, pid)?.as_ref())?
    } else {
        Vec::new()
    };
    // A child that has already failed does not listen; its failure is read below.
    wire::send(socket, &Message::Go).unwrap_or_default();
    for tree in prepared {
        wire::send(socket, &Message::Tree(tree)).unwrap_or_default();
    }
    loop {
        match wire::receive(socket).internal(|| "wait for the container's process")? {
            Message::Hooks => {
                hooks::create_runtime(plan, pid)?;
                wire::send(socket, &Message::Go).unwrap_or_default();
            }
            Message::Ready(console) => {
                if namespaces.user.is_private() {
                    inside::limits::set_resources(&plan.process, pid)?;
                }
                return Ok(console);
            }
            Message::Failed(error) => return Err(error),
            Message::End => return Err(CreateError::internal("the container's process ended before its exec")),
            other @ (Message::Go | Message::Start | Message::Tree(_) | Message::Cloned(_)) => {
                return Err(CreateError::internal(format!(
                    "unexpected message of the container's process: {other:?}"
                )));
            }
        }
    }
}

fn joined_user(namespaces: &Namespaces) -> Result<Option<UserNamespace>, CreateError> {
    match &namespaces.user {
        Namespace::Path(path) => UserNamespace::open(path).map(Some),
        Namespace::New | Namespace::Inherit => Ok(None),
    }
}

fn user_namespace(namespaces: &Namespaces, pid: u32) -> Result<Option<UserNamespace>, CreateError> {
    let own = namespaces.user.is_private();
    own.then(|| UserNamespace::of(pid)).transpose()
}

/// Pipes become the property of the user namespace's root, who gives them to the container's user later: a program
/// may open `/dev/stdout` by name.
pub(crate) fn give(stdio: &Stdio, namespaces: &Namespaces) -> Result<(), CreateError> {
    let Stdio::Files { stdin, stdout, stderr } = stdio else {
        return Ok(());
    };
    let root = |mappings: &[IdMapping]| mappings.iter().find(|map| map.container_id == 0).map(|map| map.host_id);
    let (uid, gid) = (root(&namespaces.uid_mappings), root(&namespaces.gid_mappings));
    for stream in [stdin, stdout, stderr] {
        let stat = rustix::fs::fstat(stream).internal(|| "stat a stream")?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Fifo {
            fchown(stream, uid.map(Uid::from_raw), gid.map(Gid::from_raw)).internal(|| "give away a stream")?;
        }
    }
    Ok(())
}

/// By the creator: an undumpable process in a user namespace may not write its own.
pub(crate) fn set_oom_score(process: &Process, pid: u32) -> Result<(), CreateError> {
    let Some(score) = process.oom_score_adj else {
        return Ok(());
    };
    let path = format!("/proc/{pid}/oom_score_adj");
    fs::write(&path, score.to_string()).internal(|| format!("write {path}"))
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
