//! A first process inside a user namespace that exists already (`--network container:` and the like).
//!
//! Namespaces that are made with a clone belong to the user namespace of whoever clones, and joining one cannot be
//! taken back. So a helper joins, clones the container's process as a child of its own parent, tells its descriptor,
//! and ends.

use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use corten_sys::clone::{self as sys, CloneOptions, Cloned};
use rustix::process::{WaitId, WaitIdOptions};

use super::wire::{self, Message};
use crate::cgroup::Groups;
use crate::failure::{Context, CreateError};
use crate::inside;
use crate::sources::UserNamespace;

/// As [`sys::clone3`] with these namespaces, but inside `user`. The caller's child is the container's process, which
/// is root there; the helper does not return.
pub(super) fn clone(user: &UserNamespace, namespaces: u64, groups: &Groups) -> Result<Cloned, CreateError> {
    let (socket, helper_socket) = wire::pair().internal(|| "make a socket pair")?;
    // Born in the container's group: the namespace's root may not put a process there.
    let helper = sys::clone3(CloneOptions {
        cgroup: groups.unified(),
        ..CloneOptions::default()
    });
    match helper.internal(|| "clone a process")? {
        Cloned::Child => {
            drop(socket);
            match join_and_clone(user, namespaces, &helper_socket) {
                Ok(child) => Ok(child),
                Err(error) => {
                    wire::send(&helper_socket, &Message::Failed(error)).unwrap_or_default();
                    corten_sys::execute::exit_now(1)
                }
            }
        }
        Cloned::Parent { pidfd, .. } => {
            drop(helper_socket);
            let told = wire::receive(&socket).internal(|| "wait for the container's process");
            rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
                .internal(|| "reap a process")?;
            match told? {
                Message::Cloned(pidfd) => Ok(Cloned::Parent {
                    pid: pid_of(&pidfd)?,
                    pidfd,
                }),
                Message::Failed(error) => Err(error),
                other => Err(CreateError::internal(format!(
                    "unexpected message of a helper: {other:?}"
                ))),
            }
        }
    }
}

/// The helper: returns only in the container's process.
fn join_and_clone(user: &UserNamespace, namespaces: u64, socket: &OwnedFd) -> Result<Cloned, CreateError> {
    user.join()?;
    inside::become_root()?;
    let cloned = sys::clone3(CloneOptions {
        namespaces,
        cgroup: None,
        sibling: true,
    });
    match cloned.internal(|| "clone the container's process")? {
        Cloned::Child => Ok(Cloned::Child),
        Cloned::Parent { pidfd, .. } => end(pidfd, socket).map(|never| match never {}),
    }
}

fn end(pidfd: OwnedFd, socket: &OwnedFd) -> Result<Infallible, CreateError> {
    wire::send(socket, &Message::Cloned(pidfd)).internal(|| "tell the container's process")?;
    corten_sys::execute::exit_now(0)
}

/// The pid behind a pidfd, as the caller sees it.
fn pid_of(pidfd: &OwnedFd) -> Result<u32, CreateError> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let text = std::fs::read_to_string(&path).internal(|| format!("read {path}"))?;
    let pid = text
        .lines()
        .find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    pid.ok_or_else(|| CreateError::internal("the container's process ended before its exec"))
}
