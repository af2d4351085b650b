//! The bus: the last messages ([`Recent`]) and a bell for those who listen. Each listener knows the number of the message
//! it comes to next and takes it from memory or, where it fell behind, from the journal: nobody waits for it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use corten_api::Filters;
use corten_api::event::{EventActor, EventMessage};
use corten_base::Timestamp;
use tokio::sync::watch;

use super::Subject;
use super::journal::Journal;
use super::recent::Recent;
use super::stream::{EventStream, Wanted};
use crate::tally::Tally;

/// Publishes and remembers.
pub(crate) struct Bus {
    recent: Arc<Mutex<Recent>>,
    journal: Option<Arc<Journal>>,
    /// Rings for each message.
    bell: watch::Sender<()>,
    tally: Arc<Tally>,
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
        Self {
            recent: Arc::new(Mutex::new(Recent::new(next))),
            journal,
            bell: watch::Sender::new(()),
            tally,
        }
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.bell.receiver_count()
    }

    /// Publishes one event.
    pub(crate) fn publish(&self, subject: Subject<'_>, action: &str, attributes: &[(&str, String)], now: Timestamp) {
        let text = corten_api::json::encode(&message(subject, action, attributes, now));
        self.tally.event();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = &self.journal {
            journal.append(recent.next(), &text);
        }
        recent.push(&text);
        drop(recent);
        self.bell.send_replace(());
    }

    /// What matches from `since` on, up to `until`.
    pub(crate) fn subscribe(
        &self,
        filters: Filters,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> EventStream {
        // Who names an end alone asks for all that was before it.
        let from = since.map(Timestamp::unix_nanos).or_else(|| until.map(|_| 0));
        let bell = self.bell.subscribe();
        let next = match from {
            Some(_) => 0,
            None => self.recent.lock().unwrap_or_else(PoisonError::into_inner).next(),
        };
        let wanted = Wanted { filters, from, until };
        EventStream::new(self.journal.clone(), Arc::clone(&self.recent), next, bell, wanted)
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

    /// A listener that reads nothing while more happens than memory keeps still hears of all of it, in order.
    #[tokio::test]
    async fn who_falls_behind_is_told_from_the_history() {
        let directory = tempfile::tempdir().expect("a directory");
        let bus = Bus::open(directory.path().to_owned(), Arc::default()).expect("opens");
        let mut stream = bus.subscribe(Filters::default(), None, None);
        for second in 0..1000 {
            bus.publish(Subject::Volume("v"), "create", &[], at(second));
        }
        for second in 0..1000 {
            assert_eq!(stream.next().await.expect("an event").time, second);
        }
        bus.publish(Subject::Volume("v"), "destroy", &[], at(1000));
        assert_eq!(stream.next().await.expect("an event").action, "destroy");
        drop(bus);
        assert!(stream.next().await.is_none());
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
