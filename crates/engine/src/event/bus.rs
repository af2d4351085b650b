//! The bus: a ring of the last 256 messages, and a queue for each listener. A listener that falls
//! behind loses messages and is told in the daemon's log; nobody waits for it. What is older than the ring
//! is in the journal.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use corten_api::Filters;
use corten_api::event::{EventActor, EventMessage};
use corten_base::Timestamp;
use tokio::sync::broadcast;

use super::Subject;
use super::journal::Journal;
use super::stream::{EventStream, Past, Wanted};
use crate::tally::Tally;

/// Messages kept in memory for `since`.
const RING_LIMIT: usize = 256;
/// Messages that wait for a slow listener (observed: dockerd 28.5).
const QUEUE_LIMIT: usize = 1024;

/// Publishes and remembers.
pub(crate) struct Bus {
    ring: Mutex<Ring>,
    journal: Option<Arc<Journal>>,
    sender: broadcast::Sender<Arc<EventMessage>>,
    tally: Arc<Tally>,
}

/// The last messages, with the number of the first.
struct Ring {
    messages: VecDeque<Arc<EventMessage>>,
    first: u64,
}

impl Bus {
    /// A bus that keeps its history below `directory`.
    pub(crate) fn open(directory: PathBuf, tally: Arc<Tally>) -> io::Result<Self> {
        let (journal, next) = Journal::open(directory)?;
        Ok(Self::with(Some(Arc::new(journal)), next, tally))
    }

    /// A bus that remembers the last messages alone.
    pub(crate) fn without_history(tally: Arc<Tally>) -> Self {
        Self::with(None, 0, tally)
    }

    fn with(journal: Option<Arc<Journal>>, next: u64, tally: Arc<Tally>) -> Self {
        let (sender, _) = broadcast::channel(QUEUE_LIMIT);
        let ring = Ring {
            messages: VecDeque::with_capacity(RING_LIMIT),
            first: next,
        };
        Self {
            ring: Mutex::new(ring),
            journal,
            sender,
            tally,
        }
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Publishes one event.
    pub(crate) fn publish(&self, subject: Subject<'_>, action: &str, attributes: &[(&str, String)], now: Timestamp) {
        let message = Arc::new(message(subject, action, attributes, now));
        self.tally.event();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.messages.len() == RING_LIMIT {
            ring.messages.pop_front();
            ring.first += 1;
        }
        if let Some(journal) = &self.journal {
            let number = ring.first + ring.messages.len() as u64;
            journal.append(number, Arc::clone(&message));
        }
        ring.messages.push_back(Arc::clone(&message));
        // Nobody listening is fine. Sent under the lock, so that a new listener misses and repeats nothing.
        drop(self.sender.send(message));
    }

    /// What matches from `since` on, up to `until`.
    pub(crate) fn subscribe(
        &self,
        filters: Filters,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> EventStream {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = self.sender.subscribe();
        // Who names an end alone asks for all that was before it.
        let from = since.map(Timestamp::unix_nanos).or_else(|| until.map(|_| 0));
        let replay = match from {
            Some(from) => ring
                .messages
                .iter()
                .filter(|message| message.time_nano >= from)
                .cloned()
                .collect(),
            None => VecDeque::new(),
        };
        let wanted = Wanted { filters, from, until };
        let older = match (&self.journal, from) {
            (Some(journal), Some(_)) => Past::Unopened(Arc::clone(journal), ring.first),
            (Some(_) | None, _) => Past::Over,
        };
        EventStream::new(older, replay, receiver, wanted)
    }
}

fn message(subject: Subject<'_>, action: &str, attributes: &[(&str, String)], now: Timestamp) -> EventMessage {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let (kind, id) = match &subject {
        Subject::Container(container) => {
            let config = &container.effective.config;
            all.extend(config.labels.iter().map(|(key, value)| (key.clone(), value.clone())));
            all.insert("image".to_owned(), config.image.clone());
            all.insert("name".to_owned(), container.name());
            ("container", container.id.to_string())
        }
        Subject::Image { id, name } => {
            all.insert("name".to_owned(), (*name).to_owned());
            ("image", (*id).to_owned())
        }
        Subject::Kind(kind) => (*kind, String::new()),
        Subject::Volume(name) => ("volume", (*name).to_owned()),
        Subject::Network(id) => ("network", (*id).to_owned()),
        Subject::Daemon(id) => ("daemon", (*id).to_owned()),
    };
    all.extend(attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let from = match kind {
        "container" => all.get("image").cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let legacy = matches!(kind, "container" | "image");
    EventMessage {
        status: if legacy { action.to_owned() } else { String::new() },
        id: if legacy { id.clone() } else { String::new() },
        from,
        kind: kind.to_owned(),
        action: action.to_owned(),
        actor: EventActor {
            id,
            attributes: all.into(),
        },
        scope: "local".to_owned(),
        time: now.unix_seconds(),
        time_nano: now.unix_nanos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds, 0)
    }

    #[tokio::test]
    async fn replays_and_ends() {
        let bus = Bus::with(None, 1, Arc::default());
        for second in 0..300 {
            bus.publish(Subject::Volume("v"), "create", &[], at(second));
        }
        let mut stream = bus.subscribe(Filters::default(), Some(at(0)), Some(at(299)));
        let first = stream.next().await.expect("an event");
        assert_eq!(first.time, 300 - 256);
        let mut count = 1;
        while stream.next().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 256);
    }

    #[tokio::test]
    async fn listens_and_filters() {
        let bus = Bus::with(None, 1, Arc::default());
        let mut filters = Filters::default();
        filters.add("volume", "w");
        let mut stream = bus.subscribe(filters, None, None);
        bus.publish(Subject::Volume("v"), "create", &[], at(1));
        bus.publish(Subject::Volume("w"), "create", &[("driver", "local".to_owned())], at(2));
        let event = stream.next().await.expect("an event");
        assert_eq!((event.actor.id.as_str(), event.status.as_str()), ("w", ""));
        drop(bus);
        assert!(stream.next().await.is_none());
    }
}
