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
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use corten_api::event::EventMessage;

/// A file is full at this size; two of them hold some ten thousand events at least.
const FILE_LIMIT_BYTES: u64 = 4 << 20;
/// Lines that wait for the disk, in bytes; more are kept in no file.
const WAITING_LIMIT_BYTES: usize = 4 << 20;
/// A buffer that grew beyond this is not kept for the next lines.
const BUFFER_BYTES: usize = 64 << 10;
/// The most that is read to find the last line of a file.
const TAIL_BYTES: u64 = 256 << 10;

const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";

/// What waits for the thread.
#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// To be answered when all before is written.
    flushes: Vec<SyncSender<()>>,
    closed: bool,
}

#[derive(Default)]
struct Queue(Mutex<Waiting>, Condvar);

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, leaves `lines` (empty) in their place and takes them; false at the end.
    fn take(&self, lines: &mut Vec<u8>, flushes: &mut Vec<SyncSender<()>>) -> bool {
        let idle = |waiting: &mut Waiting| !waiting.closed && waiting.lines.is_empty() && waiting.flushes.is_empty();
        let waiting = self.1.wait_while(self.lock(), idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(lines, &mut waiting.lines);
        std::mem::swap(flushes, &mut waiting.flushes);
        !(lines.is_empty() && flushes.is_empty())
    }
}

/// The writing end.
pub(crate) struct Journal {
    directory: PathBuf,
    queue: Arc<Queue>,
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
        let queue = Arc::new(Queue::default());
        let entries = Arc::clone(&queue);
        std::thread::Builder::new()
            .name("events".to_owned())
            .stack_size(256 << 10)
            .spawn(move || writer.run(&entries))?;
        Ok((Self { directory, queue }, last + 1))
    }

    /// Hands an event, one line of JSON with its end, to the thread. One that finds too many waiting is in no file.
    pub(crate) fn append(&self, number: u64, line: &[u8]) {
        let mut waiting = self.queue.lock();
        if waiting.lines.len() + line.len() > WAITING_LIMIT_BYTES {
            tracing::warn!(number, "an event is too much for the disk and is not kept");
            return;
        }
        waiting.lines.extend_from_slice(format!("{number} ").as_bytes());
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        self.queue.1.notify_one();
    }

    /// The events with the numbers `from` (or later) to `before`, oldest first. Blocks until all of them are written.
    pub(crate) fn history(&self, from: u64, before: u64) -> io::Result<History> {
        let (done, written) = sync_channel(1);
        self.queue.lock().flushes.push(done);
        self.queue.1.notify_one();
        // Without a thread there is nothing to wait for.
        written.recv().ok();
        let mut files = Vec::new();
        for name in [CURRENT, PREVIOUS] {
            match File::open(self.directory.join(name)) {
                Ok(file) => files.push(BufReader::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(History { files, from, before })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.1.notify_one();
    }
}

struct Writer {
    file: File,
    size: u64,
    directory: PathBuf,
}

impl Writer {
    fn run(mut self, queue: &Queue) {
        corten_sys::memory::forgo_cache();
        let (mut lines, mut flushes) = (Vec::new(), Vec::new());
        // What has come meanwhile goes in one write.
        while queue.take(&mut lines, &mut flushes) {
            if let Err(error) = self.write(&lines) {
                tracing::error!(%error, "events are not kept");
            }
            lines.clear();
            lines.shrink_to(BUFFER_BYTES);
            for done in flushes.drain(..) {
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

fn parse(line: &str) -> Option<(u64, &str)> {
    let (number, event) = line.split_once(' ')?;
    Some((number.parse().ok()?, event))
}

fn parse_event(line: &str) -> Option<(u64, EventMessage)> {
    let (number, event) = parse(line)?;
    Some((number, serde_json::from_str(event).ok()?))
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
    let last = text.lines().rev().find_map(parse_event).map(|(number, _)| number);
    Ok((last, tail.last().is_none_or(|byte| *byte == b'\n')))
}

/// The reading end: events of the past, a batch at a time.
#[derive(Debug)]
pub(crate) struct History {
    /// The file that is being read is the last one.
    files: Vec<BufReader<File>>,
    from: u64,
    before: u64,
}

impl History {
    /// Up to `limit` events that `wanted` lets through; none: there are no more. Blocks.
    pub(crate) fn batch(
        &mut self,
        limit: usize,
        wanted: impl Fn(&EventMessage) -> bool,
    ) -> io::Result<Vec<EventMessage>> {
        let mut batch = Vec::new();
        let mut text = Vec::new();
        while batch.len() < limit {
            let Some(file) = self.files.last_mut() else { break };
            text.clear();
            if file.read_until(b'\n', &mut text)? == 0 {
                self.files.pop();
                continue;
            }
            let line = String::from_utf8_lossy(&text);
            match parse(&line) {
                Some((number, _)) if number >= self.before => self.files.clear(),
                // Not looked at: who fell behind wants the last few of many.
                Some((number, _)) if number < self.from => {}
                Some((_, event)) => batch.extend(serde_json::from_str(event).ok().filter(&wanted)),
                None => {}
            }
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Vec<u8> {
        corten_api::json::encode(&EventMessage {
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
            journal.append(number, &event(name));
        }
        assert_eq!(actions(&mut journal.history(0, 3).expect("readable")), ["a", "b"]);
        assert_eq!(actions(&mut journal.history(2, 9).expect("readable")), ["b", "c"]);
        drop(journal);
        // A line that was written half.
        let mut file = append(&path.join(CURRENT)).expect("opens");
        file.write_all(b"4 {\"Act").expect("writes");
        let (journal, next) = Journal::open(path).expect("opens");
        assert_eq!(next, 4);
        journal.append(4, &event("d"));
        assert_eq!(
            actions(&mut journal.history(0, 9).expect("readable")),
            ["a", "b", "c", "d"]
        );
    }

    #[test]
    fn the_files_are_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let (journal, _) = Journal::open(directory.path().to_owned()).expect("opens");
        let long = "x".repeat(64 << 10);
        for number in 1..=200 {
            journal.append(number, &event(&long));
            if number % 20 == 0 {
                journal.history(0, 0).expect("flushes");
            }
        }
        let size: u64 = [CURRENT, PREVIOUS]
            .iter()
            .map(|name| fs::metadata(directory.path().join(name)).expect("there").len())
            .sum();
        assert!(size < 2 * FILE_LIMIT_BYTES + 20 * (65 << 10), "{size}");
        let kept = journal
            .history(0, u64::MAX)
            .expect("readable")
            .batch(1000, |_| true)
            .expect("readable");
        assert!(kept.len() > 50 && kept.len() < 200, "{}", kept.len());
    }
}
