//! The name table of one network as the daemon keeps it; its format is [`corten_shim::names`]'s.
//!
//! A container that comes is one line appended, one that goes one byte overwritten. A table that somebody
//! deleted is written again with the next change. What is on disk is never read: at the daemon's start
//! the table is written anew from the containers that run.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_base::file::write_atomic;
use corten_shim::names::{self, Entry};

/// How many struck lines there may be beyond those that count, before the table is written anew.
const STRUCK_LIMIT: usize = 64;

/// One table.
#[derive(Debug)]
pub(crate) struct NameTable {
    path: PathBuf,
    network: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Each entry with the place of its line in the file.
    entries: BTreeMap<String, (Entry, u64)>,
    /// Length of the file in bytes; zero: it was not written yet.
    length: u64,
    struck: usize,
}

impl NameTable {
    pub(crate) fn new(directory: &Path, id: &str, network: &str) -> Self {
        Self {
            path: directory.join(format!("{id}.{}", names::EXTENSION)),
            network: network.to_owned(),
            state: Mutex::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an entry, or replaces the one of the same key.
    pub(crate) fn add(&self, entry: Entry) -> io::Result<()> {
        let mut state = self.lock();
        self.strike(&mut state, &entry.key)?;
        let line = names::line(&entry);
        let at = state.length;
        state.entries.insert(entry.key.clone(), (entry, at));
        if at == 0 {
            return self.write(&mut state);
        }
        let appended = OpenOptions::new().append(true).open(&self.path).and_then(|mut file| {
            let length = file.metadata()?.len();
            file.write_all(line.as_bytes())?;
            Ok(length)
        });
        match appended {
            Ok(length) if length == at => state.length = at + line.len() as u64,
            // somebody else wrote to it, or deleted it
            Ok(_) | Err(_) => self.write(&mut state)?,
        }
        Ok(())
    }

    /// Takes an entry out; that there is none is fine.
    pub(crate) fn remove(&self, key: &str) -> io::Result<()> {
        self.strike(&mut self.lock(), key)
    }

    /// Takes these entries for all there are and writes the table.
    pub(crate) fn replace(&self, entries: Vec<Entry>) -> io::Result<()> {
        let mut state = self.lock();
        state.entries = entries
            .into_iter()
            .map(|entry| (entry.key.clone(), (entry, 0)))
            .collect();
        self.write(&mut state)
    }

    /// Deletes the file; that it is gone is fine.
    pub(crate) fn delete(&self) -> io::Result<()> {
        *self.lock() = State::default();
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn strike(&self, state: &mut State, key: &str) -> io::Result<()> {
        let Some((_, at)) = state.entries.remove(key) else {
            return Ok(());
        };
        state.struck += 1;
        if state.struck > state.entries.len() + STRUCK_LIMIT {
            return self.write(state);
        }
        let struck = OpenOptions::new()
            .write(true)
            .open(&self.path)
            .and_then(|file| file.write_all_at(names::STRUCK, at));
        struck.or_else(|_| self.write(state))
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        let mut text = names::header(&self.network);
        for (entry, at) in state.entries.values_mut() {
            *at = text.len() as u64;
            text += &names::line(entry);
        }
        write_atomic(&self.path, text.as_bytes())?;
        state.length = text.len() as u64;
        state.struck = 0;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(key: u8) -> Entry {
        Entry {
            key: format!("k{key}"),
            addresses: vec![std::net::IpAddr::from([10, 0, 0, key])],
            names: vec![format!("name{key}")],
        }
    }

    fn known(table: &NameTable, key: u8) -> bool {
        let mut found = names::Found::default();
        names::find(
            &std::fs::read(table.path()).unwrap_or_default(),
            &format!("name{key}"),
            &mut found,
        );
        found.four.len() == 1
    }

    #[test]
    fn a_deleted_file_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let table = NameTable::new(directory.path(), "id", "n");
        table.add(entry(1)).unwrap();
        std::fs::remove_file(table.path()).unwrap();
        table.add(entry(2)).unwrap();
        assert!(known(&table, 1) && known(&table, 2));
        std::fs::remove_file(table.path()).unwrap();
        table.remove("k1").unwrap();
        assert!(!known(&table, 1) && known(&table, 2));
        table.delete().unwrap();
        table.delete().unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_file_says_what_was_done(steps in proptest::collection::vec((any::<bool>(), 0..8u8), 0..300)) {
            let directory = tempfile::tempdir().unwrap();
            let table = NameTable::new(directory.path(), "id", "n");
            let mut model = std::collections::BTreeSet::new();
            for (comes, key) in steps {
                if comes {
                    table.add(entry(key)).unwrap();
                    model.insert(key);
                } else {
                    table.remove(&format!("k{key}")).unwrap();
                    model.remove(&key);
                }
            }
            for key in 0..8 {
                prop_assert_eq!(known(&table, key), model.contains(&key));
            }
        }
    }
}
