//! The clients of a container's streams: those who are about to come, those who wait for the start, and
//! where those go who come later.
//!
//! A client is told that it is attached before its connection can be handed over, and may then ask for the
//! start at once; so a start first waits for everybody who was promised a place. No byte is lost that way.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::watch;

use super::attach::PendingAttach;
use crate::shim::ShimHandle;

/// How long a start waits for clients who were promised a place. They only have to be handed over.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(2);

/// Locked only for the moment of a change.
pub(crate) struct Clients {
    state: Mutex<State>,
    expected: watch::Sender<u32>,
}

#[derive(Default)]
struct State {
    /// The shim of the present run.
    shim: Option<ShimHandle>,
    /// Counts the runs that are over.
    runs: u64,
    waiting: Vec<PendingAttach>,
    /// The present run has had clients, or the last one if none is under way.
    had_any: bool,
}

/// A promised place; given back when dropped.
pub(crate) struct Expected {
    clients: Arc<Clients>,
    runs: u64,
}

/// Where a client's connection goes.
pub(crate) enum Place {
    /// It waits for the start.
    Waits,
    /// To this shim.
    Shim(ShimHandle, PendingAttach),
    /// Nowhere: the run it wanted is over.
    Ended,
}

impl Clients {
    pub(crate) fn new(shim: Option<ShimHandle>) -> Arc<Self> {
        let state = State {
            shim,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            expected: watch::Sender::new(0),
        })
    }

    /// Promises a place.
    pub(crate) fn expect(self: &Arc<Self>) -> Expected {
        self.expected.send_modify(|count| *count += 1);
        Expected {
            runs: self.lock().runs,
            clients: Arc::clone(self),
        }
    }

    /// The shim of the present run.
    pub(crate) fn shim(&self) -> Option<ShimHandle> {
        self.lock().shim.clone()
    }

    /// How many wait for the start.
    pub(crate) fn waiting(&self) -> usize {
        let mut state = self.lock();
        state.waiting.retain(|other| !has_left(&other.connection));
        state.waiting.len()
    }

    /// Whether the present run has had clients, or the last one.
    pub(crate) fn had_any(&self) -> bool {
        self.lock().had_any
    }

    /// Waits until nobody is on the way any more.
    pub(crate) async fn arrived(&self) {
        let mut expected = self.expected.subscribe();
        // One who does not come in time comes too late; the start goes on.
        drop(tokio::time::timeout(ARRIVAL_LIMIT, expected.wait_for(|count| *count == 0)).await);
    }

    /// A run begins: those who wait are handed out, those who come later go to `shim` themselves.
    pub(crate) fn begin(&self, shim: ShimHandle) -> Vec<PendingAttach> {
        let mut state = self.lock();
        state.shim = Some(shim);
        state.had_any = !state.waiting.is_empty();
        std::mem::take(&mut state.waiting)
    }

    /// The run, or the attempt at one, is over.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.shim = None;
        state.runs += 1;
        state.waiting.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// Takes the place.
    pub(crate) fn take(&self, attach: PendingAttach) -> Place {
        let mut state = self.clients.lock();
        match &state.shim {
            Some(shim) => {
                let shim = shim.clone();
                state.had_any = true;
                Place::Shim(shim, attach)
            }
            None if state.runs != self.runs => Place::Ended,
            None => {
                // A start may never come: who has left meanwhile makes room.
                state.waiting.retain(|other| !has_left(&other.connection));
                state.waiting.push(attach);
                Place::Waits
            }
        }
    }
}

/// Whether a client has closed its connection. One that only sends nothing more has not.
fn has_left(connection: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(connection, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = PollFlags::HUP | PollFlags::ERR;
    poll(&mut polled, Some(&now)).is_ok() && polled.iter().any(|one| one.revents().intersects(gone))
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.clients.expected.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    use corten_shim::protocol::{Attach, Target};

    use super::*;

    fn pending(connection: UnixStream) -> PendingAttach {
        let attach = Attach {
            target: Target::Container,
            stdin: false,
            stdout: true,
            stderr: true,
            multiplexed: true,
            detach_keys: Vec::new(),
            early_input: Vec::new(),
        };
        PendingAttach {
            attach,
            connection: connection.into(),
        }
    }

    #[test]
    fn clients_that_leave_before_the_start_are_not_kept() {
        let clients = Clients::new(None);
        let (here, _stays) = UnixStream::pair().unwrap();
        assert!(matches!(clients.expect().take(pending(here)), Place::Waits));
        let (here, silent) = UnixStream::pair().unwrap();
        silent.shutdown(Shutdown::Write).unwrap();
        assert!(matches!(clients.expect().take(pending(here)), Place::Waits));
        for _ in 0..10 {
            let (here, leaves) = UnixStream::pair().unwrap();
            assert!(matches!(clients.expect().take(pending(here)), Place::Waits));
            drop(leaves);
        }
        assert_eq!(clients.lock().waiting.len(), 3, "two that stay, and the last one");
    }
}
