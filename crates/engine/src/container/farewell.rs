//! The time between the end of a container with `AutoRemove` and its removal. Who watched it through an attached
//! connection sees the streams end first and may ask next how it ended; dockerd takes long enough for that. Who
//! waits for the removal itself (`run --rm` of the clients) waits no longer for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Time for a question after the end of the streams.
const GRACE: Duration = Duration::from_millis(300);

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

    /// Waits for as long as a question may take, or until somebody waits for the removal.
    pub(crate) async fn grace(&self) {
        let mut waiting = self.0.subscribe();
        drop(tokio::time::timeout(GRACE, waiting.wait_for(|count| *count > 0)).await);
    }
}

impl Drop for Awaiter {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
