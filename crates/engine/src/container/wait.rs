//! Waiting for a container's end.

use corten_api::container::WaitResponse;

/// A wait that has begun.
#[derive(Debug)]
pub struct WaitTicket(());

impl WaitTicket {
    /// Waits until the condition holds.
    pub async fn finished(self) -> WaitResponse {
        unimplemented!()
    }
}
