//! Exec sessions.

use std::os::fd::OwnedFd;

use crate::error::Result;

/// An exec session about to start.
#[derive(Debug)]
pub struct ExecTicket(());

impl ExecTicket {
    /// Whether its output goes in Docker's frames; otherwise raw.
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        unimplemented!()
    }

    /// Starts it and joins the client's connection, which is handed to the shim; `early_input` are bytes
    /// that came behind the request. A failure is for the stream (`...\r\n`): the headers are out.
    pub async fn connect(self, _connection: OwnedFd, _early_input: Vec<u8>) -> Result<()> {
        unimplemented!()
    }

    /// Starts it without a client.
    pub async fn detached(self) -> Result<()> {
        unimplemented!()
    }
}
