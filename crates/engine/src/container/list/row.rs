//! The kept text of a running container's row.
//!
//! Invariant: the text is that of the state it was made from, which is held here, so that an equal pointer
//! means an unchanged state. What the text says of networks cannot change while the container runs without
//! a new view or wiring; of one that does not run nothing is kept.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::Row;
use crate::container::View;
use crate::container::change::Changes;
use crate::container::wiring::Wiring;

/// A place for the text.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Written>>);

/// A row as it was written, and from what.
struct Written {
    view: Arc<View>,
    changes: Arc<Changes>,
    wiring: Wiring,
    is_named: bool,
    aliases: BTreeSet<String>,
    /// Its words for how long it has been running, and its health.
    status: String,
    text: Vec<u8>,
}

impl Row<'_> {
    /// Appends the JSON object, out of what is kept if that still holds.
    pub(super) fn append(&self, text: &mut Vec<u8>) {
        if self.view.life.phase.running().is_none() {
            text.extend_from_slice(&self.write());
            return;
        }
        let status = self.status();
        let mut kept = self.container.listed.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(written) if self.is_as_written(written, &status) => text.extend_from_slice(&written.text),
            _ => {
                // looked at before the text is made: a change in between makes the next row a new one
                let (changes, wiring) = (self.container.changes(), self.container.wiring());
                let written = self.write();
                text.extend_from_slice(&written);
                *kept = Some(Written {
                    view: Arc::clone(self.view),
                    changes,
                    wiring,
                    is_named: self.is_named,
                    aliases: self.aliases.clone(),
                    status,
                    text: written,
                });
            }
        }
    }

    fn is_as_written(&self, written: &Written, status: &str) -> bool {
        Arc::ptr_eq(&written.view, self.view)
            && Arc::ptr_eq(&written.changes, &self.container.changes())
            && Arc::ptr_eq(&written.wiring, &self.container.wiring())
            && written.is_named == self.is_named
            && written.aliases == *self.aliases
            && written.status == status
    }

    fn write(&self) -> Vec<u8> {
        let mut text = super::object(&self.summary());
        text.shrink_to_fit();
        text
    }
}
