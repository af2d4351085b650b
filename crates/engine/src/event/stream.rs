//! A listener's events: those of the past from the journal, then the last ones from memory, then what happens. A listener
//! that falls behind what memory keeps goes on in the journal, so that it misses nothing that is in either.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use corten_api::Filters;
use corten_api::event::EventMessage;
use corten_base::Timestamp;
use tokio::sync::watch;

use super::filter;
use super::journal::{History, Journal};
use super::recent::{After, Recent};

/// Events that are taken at a time.
const BATCH: usize = 64;

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

/// A listener's events.
pub struct EventStream {
    journal: Option<Arc<Journal>>,
    recent: Arc<Mutex<Recent>>,
    /// The number of the event that comes after those in `ready` and in `history`.
    next: u64,
    bell: watch::Receiver<()>,
    wanted: Wanted,
    /// Taken, not handed out yet.
    ready: VecDeque<EventMessage>,
    /// What is older than memory, while it is being read.
    history: Option<History>,
}

impl EventStream {
    pub(super) fn new(
        journal: Option<Arc<Journal>>,
        recent: Arc<Mutex<Recent>>,
        next: u64,
        bell: watch::Receiver<()>,
        wanted: Wanted,
    ) -> Self {
        Self {
            journal,
            recent,
            next,
            bell,
            wanted,
            ready: VecDeque::new(),
            history: None,
        }
    }

    /// The next event; `None` when `until` has passed or the engine ends.
    pub async fn next(&mut self) -> Option<EventMessage> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                if self.wanted.is_over(&message) {
                    return None;
                }
                if self.wanted.matches(&message) {
                    return Some(message);
                }
            } else if let Some(history) = self.history.take() {
                self.read(history).await;
            } else {
                self.take().await?;
            }
        }
    }

    /// Takes the next events from memory, or waits for one; `None`: there will be no more.
    async fn take(&mut self) -> Option<()> {
        self.bell.borrow_and_update();
        let after = self
            .recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .after(self.next, BATCH);
        match after {
            After::Messages(texts) => {
                self.next += texts.len() as u64;
                let parsed = texts.iter().filter_map(|text| serde_json::from_slice(text).ok());
                self.ready.extend(parsed);
            }
            After::Older(first) => self.look_back(first).await,
            After::Nothing => self.wait().await?,
        }
        Some(())
    }

    /// Goes on with what the journal has before `first`, the oldest in memory.
    async fn look_back(&mut self, first: u64) {
        let from = std::mem::replace(&mut self.next, first);
        let Some(journal) = self.journal.clone() else {
            if self.wanted.from.is_none() {
                tracing::warn!(lost = first - from, "a slow listener loses events");
            }
            return;
        };
        match tokio::task::spawn_blocking(move || journal.history(from, first)).await {
            Ok(Ok(history)) => self.history = Some(history),
            Ok(Err(error)) => tracing::error!(%error, "the history of events is not readable"),
            Err(error) => tracing::error!(%error, "reading the history of events ended early"),
        }
    }

    /// Takes the next events of the past that are wanted; afterwards there is no history if they are all told.
    async fn read(&mut self, mut history: History) {
        let wanted = self.wanted.clone();
        let read = tokio::task::spawn_blocking(move || {
            let batch = history.batch(BATCH, |message| wanted.matches(message));
            (batch, history)
        });
        match read.await {
            Ok((Ok(batch), history)) if !batch.is_empty() => {
                self.ready.extend(batch);
                self.history = Some(history);
            }
            Ok((Ok(_), _)) => {}
            Ok((Err(error), _)) => tracing::error!(%error, "the history of events is not readable"),
            Err(error) => tracing::error!(%error, "reading the history of events ended early"),
        }
    }

    async fn wait(&mut self) -> Option<()> {
        let left = self.wanted.until.map(|until| until.since(Timestamp::now()));
        match left {
            Some(left) if left.is_zero() => None,
            Some(left) => tokio::time::timeout(left, self.bell.changed()).await.ok()?.ok(),
            None => self.bell.changed().await.ok(),
        }
    }
}
