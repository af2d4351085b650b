//! Deletes links that outlive their containers.
//!
//! A container's link is out of service once it is released, and the kernel deletes it with the
//! container's namespace, usually some milliseconds later and together with others. Only where something
//! else keeps the namespace alive is the link left; a thread that lives while there are retired links
//! deletes those after [`GRACE`], all at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use corten_sys::netlink::{self, Route};

use crate::endpoint;

/// How long the kernel may take to delete a link with its namespace before it is deleted by us.
const GRACE: Duration = Duration::from_millis(500);

/// The thread's switch.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// No thread.
    #[default]
    Idle,
    /// A thread that ends after its next sweep.
    Last,
    /// A thread that sweeps once more after its next sweep.
    Again,
}

impl Sweeper {
    /// A link was retired: have it swept after the grace.
    pub(crate) fn wake(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state != State::Idle {
            *state = State::Again;
            return;
        }
        let shared = Arc::clone(&self.state);
        match thread::Builder::new()
            .name("corten-sweep".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || run(&shared))
        {
            Ok(_) => *state = State::Last,
            Err(error) => tracing::warn!(%error, "no thread to delete links: they go with their namespaces"),
        }
    }
}

fn run(shared: &Mutex<State>) {
    loop {
        thread::sleep(GRACE);
        if let Err(error) = sweep() {
            tracing::warn!(%error, "deleting links of ended containers");
        }
        let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Again => *state = State::Last,
            State::Last | State::Idle => {
                *state = State::Idle;
                return;
            }
        }
    }
}

/// Deletes the retired links that are still there.
pub(crate) fn sweep() -> Result<(), netlink::Error> {
    endpoint::sweep(&mut Route::open().map_err(netlink::Error::from)?)
}
