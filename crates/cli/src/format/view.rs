//! How much of an object a list shows, and the clock by which it shows times.

use std::rc::Rc;

use corten_base::Timestamp;
use corten_base::zone::Zone;

use crate::text::{elapsed, shorten};

/// What all rows of one list share.
#[derive(Debug)]
pub(crate) struct View {
    now: Timestamp,
    zone: Zone,
    /// `--no-trunc`: nothing is shortened.
    pub(crate) full: bool,
}

impl View {
    /// Here and now; with `full` nothing is shortened.
    pub(crate) fn of(full: bool) -> Rc<Self> {
        Rc::new(Self {
            now: Timestamp::now(),
            zone: Zone::local(),
            full,
        })
    }

    /// One for objects without content.
    pub(crate) fn empty() -> Rc<Self> {
        Rc::new(Self {
            now: Timestamp::ZERO,
            zone: Zone::utc(),
            full: true,
        })
    }

    /// An id, in full or its first twelve digits.
    pub(crate) fn id(&self, id: &str) -> String {
        if self.full {
            id.to_owned()
        } else {
            shorten::id(id).to_owned()
        }
    }

    /// A text, in full or at most so many columns of it.
    pub(crate) fn shortened(&self, text: &str, width: usize) -> String {
        if self.full {
            text.to_owned()
        } else {
            shorten::ellipsis(text, width)
        }
    }

    /// `2 hours ago`; the time is in seconds since 1970.
    pub(crate) fn ago(&self, seconds: i64) -> String {
        elapsed::ago(self.now, Timestamp::from_unix(seconds, 0))
    }

    /// `2026-11-26 02:28:14 +0100 CET`.
    pub(crate) fn clock(&self, seconds: i64) -> String {
        self.zone.clock(Timestamp::from_unix(seconds, 0))
    }

    /// `2026-11-26T02:28:14+01:00`.
    pub(crate) fn rfc3339(&self, seconds: i64) -> String {
        self.zone.rfc3339(Timestamp::from_unix(seconds, 0), false)
    }
}
