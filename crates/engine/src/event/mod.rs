//! What happened: the last 256 messages and those who listen.

use corten_api::event::EventMessage;

/// A listener's events.
#[derive(Debug)]
pub struct EventStream(());

impl EventStream {
    /// The next event; `None` when `until` has passed or the engine ends.
    pub async fn next(&mut self) -> Option<EventMessage> {
        unimplemented!()
    }
}
