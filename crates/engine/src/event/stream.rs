//! A listener's events: those of the past from the journal, the last ones from memory, then what happens.

use std::collections::VecDeque;
use std::sync::Arc;

use corten_api::Filters;
use corten_api::event::EventMessage;
use corten_base::Timestamp;
use tokio::sync::broadcast;

use super::filter;
use super::journal::{History, Journal};

/// Events of the past that are read at a time.
const BATCH: usize = 256;

/// What a listener wants to hear of.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) filters: Filters,
    /// Nanoseconds since 1970.
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<Timestamp>,
}

impl Wanted {
    fn is_over(&self, message: &EventMessage) -> bool {
        self.until.is_some_and(|until| message.time_nano > until.unix_nanos())
    }

    fn matches(&self, message: &EventMessage) -> bool {
        self.from.is_none_or(|from| message.time_nano >= from) && filter::matches(&self.filters, message)
    }
}

/// What is older than the messages in memory.
pub(crate) enum Past {
    /// Not looked at yet: the events before this number.
    Unopened(Arc<Journal>, u64),
    /// Being read.
    Open(History),
    /// All told.
    Over,
}

/// A listener's events.
pub struct EventStream {
    past: Past,
    replay: VecDeque<Arc<EventMessage>>,
    receiver: broadcast::Receiver<Arc<EventMessage>>,
    wanted: Wanted,
    /// What was in memory when the listener came; after the past.
    recent: VecDeque<Arc<EventMessage>>,
}

impl EventStream {
    pub(super) fn new(
        past: Past,
        recent: VecDeque<Arc<EventMessage>>,
        receiver: broadcast::Receiver<Arc<EventMessage>>,
        wanted: Wanted,
    ) -> Self {
        Self {
            past,
            replay: VecDeque::new(),
            receiver,
            wanted,
            recent,
        }
    }

    /// The next event; `None` when `until` has passed or the engine ends.
    pub async fn next(&mut self) -> Option<EventMessage> {
        loop {
            if self.replay.is_empty() && !matches!(self.past, Past::Over) {
                self.replay = self.remember().await;
            }
            let message = match self.replay.pop_front().or_else(|| self.recent.pop_front()) {
                Some(message) => message,
                None => self.receive().await?,
            };
            if self.wanted.is_over(&message) {
                return None;
            }
            if self.wanted.matches(&message) {
                return Some(EventMessage::clone(&message));
            }
        }
    }

    /// The next events of the past; none: they are all told.
    async fn remember(&mut self) -> VecDeque<Arc<EventMessage>> {
        let past = std::mem::replace(&mut self.past, Past::Over);
        let wanted = self.wanted.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut history = match past {
                Past::Over => return Ok((Vec::new(), Past::Over)),
                Past::Unopened(journal, before) => journal.history(before)?,
                Past::Open(history) => history,
            };
            let batch = history.batch(BATCH, |message| wanted.matches(message))?;
            let over = batch.is_empty();
            Ok::<_, std::io::Error>((batch, if over { Past::Over } else { Past::Open(history) }))
        });
        match read.await {
            Ok(Ok((batch, past))) => {
                self.past = past;
                batch.into()
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the history of events is not readable");
                VecDeque::new()
            }
            Err(error) => {
                tracing::error!(%error, "reading the history of events ended early");
                VecDeque::new()
            }
        }
    }

    async fn receive(&mut self) -> Option<Arc<EventMessage>> {
        loop {
            let left = self.wanted.until.map(|until| until.since(Timestamp::now()));
            let received = match left {
                Some(left) if left.is_zero() => return None,
                Some(left) => tokio::time::timeout(left, self.receiver.recv()).await.ok()?,
                None => self.receiver.recv().await,
            };
            match received {
                Ok(message) => return Some(message),
                Err(broadcast::error::RecvError::Lagged(lost)) => tracing::warn!(lost, "a slow listener loses events"),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
