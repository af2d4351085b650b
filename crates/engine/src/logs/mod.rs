//! Reading what containers wrote.

pub mod line;
pub mod reader;

use bytes::Bytes;

use crate::error::Result;

/// A container's log on its way to a client.
#[derive(Debug)]
pub struct LogStream(());

impl LogStream {
    /// Whether the bytes are in Docker's frames; otherwise raw (a terminal's).
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        unimplemented!()
    }

    /// The next piece, any number of whole lines; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        unimplemented!()
    }
}
