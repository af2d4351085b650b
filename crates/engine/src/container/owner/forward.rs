//! The owner's part in sending a log on: begun with each run, and gone on with after a restart of the daemon.

use crate::container::owner::Owner;
use crate::core::blocking;
use crate::error::Result;
use crate::logs::forward::sink::Sink;
use crate::logs::forward::{self, Route};

impl Owner {
    /// Finds out who takes the log, before the container starts: it does not if nobody does.
    pub(in crate::container) async fn open_log_route(&mut self) -> Result<Option<(Route, Sink)>> {
        let Some(route) = forward::route(&self.core, &self.container)? else {
            return Ok(None);
        };
        // What the last run left has its turn first.
        if let Some(forwarder) = self.forwarder.take() {
            forwarder.finish().await;
        }
        let sink = route.connect().await?;
        Ok(Some((route, sink)))
    }

    /// The container runs.
    pub(in crate::container) fn send_log_on(&mut self, route: Option<(Route, Sink)>) {
        self.forwarder = route.map(|(route, sink)| route.begin(Some(sink)));
    }

    /// Goes on with what an earlier daemon has left.
    pub(super) async fn resume_log(&mut self) {
        if !forward::is_sent_on(&self.container) {
            return;
        }
        let container = std::sync::Arc::clone(&self.container);
        let pending = blocking(&self.core, move |core| {
            let route = forward::route(core, &container)?;
            Ok(route.filter(Route::is_pending))
        });
        match pending.await {
            Ok(Some(route)) => {
                let forwarder = route.begin(None);
                if self.life.phase.running().is_none() {
                    forwarder.end();
                }
                self.forwarder = Some(forwarder);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(container = self.container.id.short(), %error, "the log is not sent on");
            }
        }
    }

    /// The container has ended: what is left of its log is sent, and nobody waits for it.
    pub(in crate::container) fn end_log(&mut self) {
        if let Some(forwarder) = &self.forwarder {
            forwarder.end();
        }
    }

    /// The container goes: what is left of its log is waited for, for a while.
    pub(in crate::container) async fn finish_log(&mut self) {
        if let Some(forwarder) = self.forwarder.take() {
            forwarder.finish().await;
        }
    }
}
