//! The history of events on disk, bounded:
//! ```text
//! <data>/events/current     lines `<number> <event as JSON>`, numbers ascending; appended to
//!               previous    the file that was current before; replaced when current is full
//! ```
//! A thread writes, so that nobody who publishes waits for a disk. What a killed daemon had not handed to the
//! kernel yet (the last moment) is lost, and a line that it wrote half is skipped. Nothing is flushed to the
//! disk: a history is no reason to wear it out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use corten_api::event::EventMessage;

/// A file is full at this size; two of them hold some ten thousand events at least.
const FILE_LIMIT_BYTES: u64 = 4 << 20;
/// Events that wait for the disk; more are kept in no file.
const QUEUE_LIMIT: usize = 8192;
/// The most that is read to find the last line of a file.
const TAIL_BYTES: u64 = 256 << 10;

const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";

/// What the thread is told.
enum Entry {
    Event(u64, Arc<EventMessage>),
    /// Answer when all before it is written.
    Flush(SyncSender<()>),
}

/// The writing end.
pub(crate) struct Journal {
    directory: PathBuf,
    queue: SyncSender<Entry>,
}

impl Journal {
    /// Opens the history below `directory` and starts its thread; also the number that the next event gets.
    pub(crate) fn open(directory: PathBuf) -> io::Result<(Self, u64)> {
        fs::create_dir_all(&directory)?;
        let path = directory.join(CURRENT);
        let (last, whole) = last_number(&path)?;
        let last = match last {
            Some(last) => last,
            None => last_number(&directory.join(PREVIOUS))?.0.unwrap_or(0),
        };
        let mut writer = Writer {
            file: append(&path)?,
            size: fs::metadata(&path)?.len(),
            directory: directory.clone(),
        };
        if !whole {
            writer.write(b"\n")?;
        }
        let (queue, entries) = sync_channel(QUEUE_LIMIT);
        std::thread::Builder::new()
            .name("events".to_owned())
            .stack_size(256 << 10)
            .spawn(move || writer.run(&entries))?;
        Ok((Self { directory, queue }, last + 1))
    }

    /// Hands an event to the thread. One that finds the queue full is in no file.
    pub(crate) fn append(&self, number: u64, message: Arc<EventMessage>) {
        match self.queue.try_send(Entry::Event(number, message)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => tracing::warn!(number, "an event is too much for the disk and is not kept"),
        }
    }

    /// The events up to `before`, oldest first. Blocks until all of them are written.
    pub(crate) fn history(&self, before: u64) -> io::Result<History> {
        let (done, written) = sync_channel(1);
        // Without a thread there is nothing to wait for.
        if self.queue.send(Entry::Flush(done)).is_ok() {
            written.recv().ok();
        }
        let mut files = Vec::new();
        for name in [CURRENT, PREVIOUS] {
            match File::open(self.directory.join(name)) {
                Ok(file) => files.push(BufReader::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(History { files, before })
    }
}

struct Writer {
    file: File,
    size: u64,
    directory: PathBuf,
}

impl Writer {
    fn run(mut self, entries: &Receiver<Entry>) {
        let mut lines = Vec::new();
        while let Ok(first) = entries.recv() {
            let mut waiting = Vec::new();
            // What has come meanwhile goes in one write.
            for entry in std::iter::once(first).chain(entries.try_iter().take(QUEUE_LIMIT)) {
                match entry {
                    Entry::Event(number, message) => line(&mut lines, number, &message),
                    Entry::Flush(done) => waiting.push(done),
                }
            }
            if let Err(error) = self.write(&lines) {
                tracing::error!(%error, "events are not kept");
            }
            lines.clear();
            for done in waiting {
                // Who asked may have left.
                done.send(()).ok();
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        if self.size >= FILE_LIMIT_BYTES {
            fs::rename(self.directory.join(CURRENT), self.directory.join(PREVIOUS))?;
            self.file = append(&self.directory.join(CURRENT))?;
            self.size = 0;
        }
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn line(lines: &mut Vec<u8>, number: u64, message: &EventMessage) {
    lines.extend_from_slice(format!("{number} ").as_bytes());
    lines.extend(corten_api::json::encode(message));
    if lines.last() != Some(&b'\n') {
        lines.push(b'\n');
    }
}

fn parse(line: &str) -> Option<(u64, EventMessage)> {
    let (number, event) = line.split_once(' ')?;
    Some((number.parse().ok()?, serde_json::from_str(event).ok()?))
}

/// The number of the last whole line, if there is one, and whether the file ends with a line's end.
fn last_number(path: &Path) -> io::Result<(Option<u64>, bool)> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, true)),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let text = String::from_utf8_lossy(&tail);
    let last = text.lines().rev().find_map(parse).map(|(number, _)| number);
    Ok((last, tail.last().is_none_or(|byte| *byte == b'\n')))
}

/// The reading end: events of the past, a batch at a time.
#[derive(Debug)]
pub(crate) struct History {
    /// The file that is being read is the last one.
    files: Vec<BufReader<File>>,
    before: u64,
}

impl History {
    /// Up to `limit` events that `wanted` lets through; none: there are no more. Blocks.
    pub(crate) fn batch(
        &mut self,
        limit: usize,
        wanted: impl Fn(&EventMessage) -> bool,
    ) -> io::Result<Vec<Arc<EventMessage>>> {
        let mut batch = Vec::new();
        let mut text = Vec::new();
        while batch.len() < limit {
            let Some(file) = self.files.last_mut() else { break };
            text.clear();
            if file.read_until(b'\n', &mut text)? == 0 {
                self.files.pop();
                continue;
            }
            match parse(&String::from_utf8_lossy(&text)) {
                Some((number, _)) if number >= self.before => self.files.clear(),
                Some((_, message)) if wanted(&message) => batch.push(Arc::new(message)),
                Some(_) | None => {}
            }
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Arc<EventMessage> {
        Arc::new(EventMessage {
            action: name.to_owned(),
            ..EventMessage::default()
        })
    }

    fn actions(history: &mut History) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let batch = history.batch(2, |_| true).expect("readable");
            if batch.is_empty() {
                return all;
            }
            all.extend(batch.iter().map(|event| event.action.clone()));
        }
    }

    #[test]
    fn what_was_written_is_read_by_the_next_daemon_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events");
        let (journal, next) = Journal::open(path.clone()).expect("opens");
        assert_eq!(next, 1);
        for (number, name) in [(1, "a"), (2, "b"), (3, "c")] {
            journal.append(number, event(name));
        }
        assert_eq!(actions(&mut journal.history(3).expect("readable")), ["a", "b"]);
        drop(journal);
        // A line that was written half.
        let mut file = append(&path.join(CURRENT)).expect("opens");
        file.write_all(b"4 {\"Act").expect("writes");
        let (journal, next) = Journal::open(path).expect("opens");
        assert_eq!(next, 4);
        journal.append(4, event("d"));
        assert_eq!(
            actions(&mut journal.history(9).expect("readable")),
            ["a", "b", "c", "d"]
        );
    }

    #[test]
    fn the_files_are_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let (journal, _) = Journal::open(directory.path().to_owned()).expect("opens");
        let long = "x".repeat(64 << 10);
        for number in 1..=200 {
            journal.append(number, event(&long));
            if number % 20 == 0 {
                journal.history(0).expect("flushes");
            }
        }
        let size: u64 = [CURRENT, PREVIOUS]
            .iter()
            .map(|name| fs::metadata(directory.path().join(name)).expect("there").len())
            .sum();
        assert!(size < 2 * FILE_LIMIT_BYTES + 20 * (65 << 10), "{size}");
        let kept = journal
            .history(u64::MAX)
            .expect("readable")
            .batch(1000, |_| true)
            .expect("readable");
        assert!(kept.len() > 50 && kept.len() < 200, "{}", kept.len());
    }
}
