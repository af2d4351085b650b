//! The time between the end of a container with `AutoRemove` and its removal. Who watched it through an attached
//! connection sees the streams end first and may ask next how it ended; dockerd takes long enough for that. Who
//! waits for the removal itself (`run --rm` of the clients) waits no longer for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::owner::Owner;

/// Time for a question after the end of the streams (observed: dockerd 28.5 takes about as long to remove).
const GRACE: Duration = Duration::from_millis(150);

/// Who waits for a container's removal.
#[derive(Debug, Clone)]
pub(crate) struct Farewell(Arc<watch::Sender<usize>>);

/// One who waits; until it is dropped.
#[derive(Debug)]
pub(crate) struct Awaiter(Farewell);

impl Farewell {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Somebody waits for the removal from now on.
    pub(crate) fn join(&self) -> Awaiter {
        self.0.send_modify(|count| *count += 1);
        Awaiter(self.clone())
    }
}

impl Drop for Awaiter {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

impl Owner {
    /// Lets those who watched the last run ask about its end, unless somebody wants the container gone. Their streams
    /// end with the shim.
    pub(super) async fn linger(&mut self) {
        if !self.life.auto_remove || self.removal_is_asked() || !self.container.clients.had_any() {
            return;
        }
        self.release();
        let mut waiting = self.container.farewell.0.subscribe();
        drop(tokio::time::timeout(GRACE, waiting.wait_for(|count| *count > 0)).await);
    }
}
