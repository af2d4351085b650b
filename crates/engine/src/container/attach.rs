//! Joining clients to a container's streams.

use std::os::fd::OwnedFd;

use crate::error::Result;

/// A client about to be joined.
#[derive(Debug)]
pub struct AttachTicket(());

impl AttachTicket {
    /// Whether its output goes in Docker's frames; otherwise raw.
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        unimplemented!()
    }

    /// Hands the client's connection over: to the shim if the container runs, else it waits for the start.
    /// `early_input` are bytes that came behind the request.
    pub async fn connect(self, _connection: OwnedFd, _early_input: Vec<u8>) -> Result<()> {
        unimplemented!()
    }
}
