//! The removal as an effect: what comes before it, what is told after it.

use std::collections::VecDeque;

use super::Owner;
use crate::container::phase::{Effect, Event, Stopping};

impl Owner {
    pub(super) async fn perform_remove(&mut self, rest: &mut VecDeque<Effect>) {
        self.linger().await;
        match self.remove().await {
            Ok(()) => {
                self.removed = true;
                self.publish();
                self.publish_event("destroy", &[]);
                self.answer_waiting();
            }
            Err(error) => {
                tracing::error!(container = self.container.id.short(), %error, "removal failed");
                self.failure = Some(error);
                self.follow(Event::RemoveFailed, rest);
            }
        }
    }

    /// Lets those who watched the last run ask about its end, unless somebody wants the container gone. Their streams
    /// end with the shim.
    async fn linger(&mut self) {
        let is_asked = self.waiting.iter().any(|waiting| waiting.until == Stopping::Remove);
        if self.life.auto_remove && !is_asked && self.container.clients.had_any() {
            self.release();
            if let Some(releasing) = self.releasing.take() {
                // A panic there was reported there.
                drop(releasing.await);
            }
            self.container.farewell.grace().await;
        }
    }
}
