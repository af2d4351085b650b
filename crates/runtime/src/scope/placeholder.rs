//! The process that a scope begins with: the service manager makes none that is empty, and the container's first
//! process is to be born into groups that have their limits. It waits for its end, which comes with its maker's.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use corten_sys::clone::{CloneOptions, Cloned, clone3};
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

/// Between two looks at whether the maker is still there; its end kills anyway.
const LONG: Duration = Duration::from_secs(3600);

/// A process that does nothing, until this is dropped.
#[derive(Debug)]
pub(super) struct Placeholder {
    pub(super) pid: u32,
    pidfd: OwnedFd,
}

impl Placeholder {
    /// Made by a program with one thread.
    pub(super) fn new() -> io::Result<Self> {
        let maker = rustix::process::getpid();
        match clone3(CloneOptions::default())? {
            Cloned::Parent { pid, pidfd } => Ok(Self { pid, pidfd }),
            Cloned::Child => {
                let bound = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
                // It may have ended before it was bound to.
                while bound.is_ok() && rustix::process::getppid() == Some(maker) {
                    std::thread::sleep(LONG);
                }
                corten_sys::execute::exit_now(0)
            }
        }
    }
}

impl Drop for Placeholder {
    fn drop(&mut self) {
        // Both fail only if it is already gone.
        pidfd_send_signal(self.pidfd.as_fd(), Signal::KILL).unwrap_or_default();
        waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED).unwrap_or_default();
    }
}
