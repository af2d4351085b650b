//! The shim's process: killed when it must be, and reaped by whoever started it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{PidfdFlags, Signal, WaitIdOptions};
use tokio::io::Interest;

/// How long a shim may take to end after its release: it only removes directories.
const END_LIMIT: Duration = Duration::from_secs(10);

/// A shim by pidfd. Dropping it neither kills nor reaps.
#[derive(Debug)]
pub(crate) struct ShimProcess {
    pidfd: OwnedFd,
}

impl ShimProcess {
    /// One that this daemon spawned.
    #[must_use]
    pub(crate) fn spawned(pidfd: OwnedFd) -> Self {
        Self { pidfd }
    }

    /// One that an earlier daemon spawned; `None` if there is no such process.
    #[must_use]
    pub(crate) fn adopted(pid: u32) -> Option<Self> {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed())?;
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
        Some(Self { pidfd })
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        // Already gone is what is wanted.
        let _gone = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Lets it go on if somebody has stopped it; nothing happens otherwise.
    pub(crate) fn go_on(&self) {
        // Already gone is told by its silence.
        let _gone = rustix::process::pidfd_send_signal(&self.pidfd, Signal::CONT);
    }

    /// Waits for its end, kills it when that takes too long, and reaps it.
    pub(crate) async fn ended(self) -> io::Result<()> {
        let pidfd = crate::ready::watch(self.pidfd, Interest::READABLE)?;
        if tokio::time::timeout(END_LIMIT, pidfd.readable()).await.is_err() {
            tracing::error!("a shim did not end after its release and is killed");
            let _gone = rustix::process::pidfd_send_signal(pidfd.get_ref(), Signal::KILL);
            drop(pidfd.readable().await?);
        }
        let id = rustix::process::WaitId::PidFd(std::os::fd::AsFd::as_fd(pidfd.get_ref()));
        // Not our child: its own parent reaps it.
        let _reaped = rustix::process::waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        Ok(())
    }
}
