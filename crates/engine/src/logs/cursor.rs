//! A position in a log, across its rotation: `<path>.N` (oldest) ... `<path>.1`, `<path>` (current).
//!
//! The cursor holds one open file at a time, so that a rotation under way neither repeats nor loses records: when
//! the file it reads is no longer the current one, it finishes it and goes on with the next newer. The writer
//! renames the oldest first and may be anywhere in this while the names are read, and a rotated file may be
//! replaced by its compressed form: each choice of a file is looked at once more after it was opened, and a name
//! that is missing for the moment does not end the list. A last record that is not whole is not there yet.
//! Synchronous.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use corten_shim::log::Format;
use memchr::{memchr, memchr_iter, memrchr_iter};

use super::entry::Line;
use super::source::{self, Identity, Source};
use super::{framed, line};

/// A position in the log at `path`.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    format: Format,
    source: Option<Source>,
    buffer: Vec<u8>,
    start: usize,
    /// How much is read at once, in bytes.
    read_bytes: usize,
}

/// Where in a log a reader was, in words that outlive it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The inode of the file as it was written.
    pub(super) inode: u64,
    /// Behind the last record, in bytes.
    pub(super) offset: u64,
}

/// Bytes read from a log file at once, at most and at least.
const READ_BYTES: usize = 256 * 1024;
const READ_LEAST_BYTES: usize = 16 * 1024;
/// A record longer than this is nonsense: the shim splits output at 16 KiB, and escapes take six bytes.
const RECORD_LIMIT_BYTES: usize = 1024 * 1024;
/// More rotated files than anyone configures.
const FILES_LIMIT: u32 = 1000;
/// So many names in a row that are missing end the list: each rotation under way leaves one out.
const GAPS_LIMIT: u32 = 4;
/// How often the files are looked up anew because they were rotated meanwhile. A rotation takes less
/// time than a look, so that more than a few are never needed.
const LOOKS_LIMIT: u32 = 100;
/// The lengths around a framed record.
const LENGTH_BYTES: usize = 4;

impl Cursor {
    /// In front of the log at `path`, which need not exist yet.
    pub(super) fn new(path: &Path, format: Format) -> Self {
        Self {
            path: path.to_owned(),
            format,
            source: None,
            buffer: Vec::new(),
            start: 0,
            read_bytes: READ_BYTES,
        }
    }

    /// Reads about so many bytes at once from now on.
    pub(super) fn read_at_once(&mut self, bytes: usize) {
        self.read_bytes = bytes.clamp(READ_LEAST_BYTES, READ_BYTES);
    }

    /// Calls `take` with each record that was read already until it says stop (false); whether it did.
    pub(super) fn each(&mut self, mut take: impl FnMut(&Line<'_>) -> bool) -> bool {
        while let Some((record, length)) = self.measure() {
            let begin = self.start;
            self.start += length;
            let bytes = &self.buffer[begin + record.start..begin + record.end];
            if let Some(line) = parse(self.format, bytes)
                && !take(&line)
            {
                return true;
            }
        }
        if self.buffer.len() - self.start > RECORD_LIMIT_BYTES {
            self.start = self.buffer.len();
        }
        false
    }

    /// Where in the unread buffer the next record's content is, and how long it is with all around it.
    fn measure(&self) -> Option<(std::ops::Range<usize>, usize)> {
        let rest = self.buffer.get(self.start..)?;
        match self.format {
            Format::JsonLines => memchr(b'\n', rest).map(|length| (0..length, length + 1)),
            Format::Local => {
                let length = u32::from_be_bytes(*rest.first_chunk::<LENGTH_BYTES>()?) as usize;
                let content = LENGTH_BYTES..LENGTH_BYTES + length;
                let whole = content.end + LENGTH_BYTES;
                (whole <= rest.len()).then_some((content, whole))
            }
        }
    }

    /// Reads on, in this file or the next; false if there is nothing more at the moment.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        Ok(self.read_more()? || self.next_file()?)
    }

    fn read_more(&mut self) -> io::Result<bool> {
        let Some(source) = &mut self.source else {
            return Ok(false);
        };
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + self.read_bytes, 0);
        let count = source.read(&mut self.buffer[length..]);
        self.buffer.truncate(length + *count.as_ref().unwrap_or(&0));
        Ok(count? > 0)
    }

    /// Goes on with the next newer file if the present one was rotated away.
    fn next_file(&mut self) -> io::Result<bool> {
        for _ in 0..LOOKS_LIMIT {
            let Some(present) = &self.source else {
                return self.seek_oldest();
            };
            let Some(index) = self.position(present)? else {
                // The file fell off the end of the rotation, or the log was removed and nothing follows.
                return self.seek_oldest();
            };
            // Whatever the writer added before it rotated was read: the caller came here at the end.
            let Some((newer, next)) = self.newer(index)? else {
                return Ok(false);
            };
            // Had there been a rotation before it was opened, one of these would be another.
            let missing = |between| source::identity(&self.path, between).map(|found| found.is_none());
            if present.is_at(&self.path, index)?
                && (newer + 1..index).map(missing).all(|missing| missing.unwrap_or(false))
            {
                return self.switch(next);
            }
        }
        Ok(false)
    }

    /// The file that follows the one at `index`. Where the writer is between two renames one name is missing.
    fn newer(&self, index: u32) -> io::Result<Option<(u32, Source)>> {
        for newer in (0..index).rev() {
            if let Some(source) = Source::open(&self.path, newer)? {
                return Ok(Some((newer, source)));
            }
        }
        Ok(None)
    }

    /// Under which of its names the present file is.
    fn position(&self, present: &Source) -> io::Result<Option<u32>> {
        let names = self.names()?;
        let own = present.identity();
        if let Some((index, _)) = names.iter().find(|(_, identity)| *identity == own) {
            return Ok(Some(*index));
        }
        for (index, _) in names {
            if present.is_at(&self.path, index)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// What is under which name.
    fn names(&self) -> io::Result<Vec<(u32, Identity)>> {
        let (mut names, mut gaps) = (Vec::new(), 0);
        for index in 0..FILES_LIMIT {
            match source::identity(&self.path, index)? {
                Some(identity) => {
                    names.push((index, identity));
                    gaps = 0;
                }
                None => gaps += 1,
            }
            if gaps == GAPS_LIMIT {
                break;
            }
        }
        Ok(names)
    }

    fn switch(&mut self, next: Source) -> io::Result<bool> {
        // The rotation may have come between the last read and the look at the names.
        if self.read_more()? {
            return Ok(true);
        }
        self.attach(next);
        Ok(true)
    }

    fn attach(&mut self, source: Source) {
        self.buffer.clear();
        self.start = 0;
        self.source = Some(source);
    }

    /// Goes to the beginning of the oldest file; false if there is none that was not read.
    pub(super) fn seek_oldest(&mut self) -> io::Result<bool> {
        let Some(oldest) = self.files()?.pop() else {
            return Ok(false);
        };
        if self.source.as_ref().map(Source::identity) == Some(oldest.identity()) {
            return Ok(false);
        }
        self.attach(oldest);
        Ok(true)
    }

    /// Goes behind all that is there.
    pub(super) fn seek_end(&mut self) -> io::Result<()> {
        if let Some(mut source) = Source::open(&self.path, 0)? {
            if let Source::Plain { file, .. } = &source {
                let end = file.metadata()?.len();
                source.skip_to(end)?;
            }
            self.attach(source);
        }
        Ok(())
    }

    /// Goes to `wanted` records before the end, reading backwards from the newest file.
    pub(super) fn seek_tail(&mut self, wanted: u64) -> io::Result<()> {
        let mut missing = wanted;
        for mut source in self.files()? {
            let (offset, found) = match &source {
                Source::Plain { file, .. } => tail_offset(self.format, file, missing)?,
                Source::Packed(_) => {
                    let (offset, found, again) = self.packed_tail(source, missing)?;
                    source = again;
                    (offset, found)
                }
            };
            source.skip_to(offset)?;
            self.attach(source);
            missing = missing.saturating_sub(found);
            if missing == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// As [`tail_offset`] of a compressed file, which has to be read from its beginning.
    fn packed_tail(&self, mut source: Source, wanted: u64) -> io::Result<(u64, u64, Source)> {
        let total = count(self.format, &mut source, u64::MAX)?.0;
        source.rewind()?;
        let surplus = total.saturating_sub(wanted);
        let (_, offset) = count(self.format, &mut source, surplus)?;
        source.rewind()?;
        Ok((offset, total - surplus, source))
    }

    /// All files of a log, the newest first, as they were at one moment.
    fn files(&self) -> io::Result<Vec<Source>> {
        let mut found = Vec::new();
        for _ in 0..LOOKS_LIMIT {
            found.clear();
            for (index, _) in self.names()? {
                found.extend(Source::open(&self.path, index)?.map(|source| (index, source)));
            }
            let opened: Vec<(u32, Identity)> = found
                .iter()
                .map(|(index, source)| (*index, source.identity()))
                .collect();
            if opened == self.names()? {
                break;
            }
        }
        Ok(found.into_iter().map(|(_, source)| source).collect())
    }

    /// Behind the last record that was handed out; `None` before the first file.
    pub(super) fn mark(&self) -> Option<Mark> {
        let source = self.source.as_ref()?;
        let unread = (self.buffer.len() - self.start) as u64;
        Some(Mark {
            inode: source.origin(),
            offset: source.read_bytes().saturating_sub(unread),
        })
    }

    /// Goes to a mark; false, and to the oldest file, if its file is not there any more.
    pub(super) fn seek_mark(&mut self, mark: Mark) -> io::Result<bool> {
        // Of several that claim the inode the newest has it last.
        for mut source in self.files()? {
            if source.origin() == mark.inode && is_between_records(self.format, &source, mark.offset)? {
                source.skip_to(mark.offset)?;
                self.attach(source);
                return Ok(true);
            }
        }
        self.seek_oldest()?;
        Ok(false)
    }
}

fn parse(format: Format, bytes: &[u8]) -> Option<Line<'_>> {
    match format {
        Format::JsonLines => line::parse(bytes),
        Format::Local => framed::parse(bytes),
    }
}

/// Whether a record ends at `offset`: an inode may be somebody else's by now. Of a compressed file it is believed.
fn is_between_records(format: Format, source: &Source, offset: u64) -> io::Result<bool> {
    let Source::Plain { file, .. } = source else {
        return Ok(true);
    };
    let end = file.metadata()?.len();
    Ok(offset == 0 || (offset <= end && format == Format::JsonLines) || {
        let (found, records) = tail_of_frames_before(file, offset.min(end))?;
        offset <= end && records == 1 && found < offset
    })
}

/// The offset of the `wanted`-th record from the end of `file`, or its beginning; and how many follow it.
fn tail_offset(format: Format, file: &File, wanted: u64) -> io::Result<(u64, u64)> {
    let end = file.metadata()?.len();
    match format {
        Format::JsonLines => tail_of_lines(file, end, wanted),
        Format::Local => tail_of_frames(file, end, wanted),
    }
}

fn tail_of_lines(file: &File, mut end: u64, wanted: u64) -> io::Result<(u64, u64)> {
    let mut found = 0;
    let mut block = vec![0; 64 * 1024];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = block
            .get_mut(..usize::try_from(end - start).unwrap_or(0))
            .unwrap_or_default();
        file.read_exact_at(part, start)?;
        for at in memrchr_iter(b'\n', part) {
            if found == wanted {
                return Ok((start + at as u64 + 1, found));
            }
            found += 1;
        }
        end = start;
    }
    Ok((0, found))
}

/// The last record before `end`, if one ends there: where it begins, and 1; otherwise `end` and 0.
fn tail_of_frames_before(file: &File, end: u64) -> io::Result<(u64, u64)> {
    steps_back(file, end, 1)
}

/// Goes from length to length; a last record that is not whole is passed over from the front instead.
fn tail_of_frames(file: &File, end: u64, wanted: u64) -> io::Result<(u64, u64)> {
    let (at, found) = steps_back(file, end, wanted)?;
    if at > 0 && found < wanted {
        let mut source = Source::reopen(file)?;
        let total = count(Format::Local, &mut source, u64::MAX)?.0;
        let surplus = total.saturating_sub(wanted);
        source.rewind()?;
        return Ok((count(Format::Local, &mut source, surplus)?.1, total - surplus));
    }
    Ok((at, found))
}

/// As many whole records back from `end` as there are, at most `wanted`: where that is, and how many.
fn steps_back(file: &File, end: u64, wanted: u64) -> io::Result<(u64, u64)> {
    let length_at = |at: u64| -> io::Result<u64> {
        let mut length = [0; LENGTH_BYTES];
        file.read_exact_at(&mut length, at)?;
        Ok(u32::from_be_bytes(length).into())
    };
    let around = 2 * LENGTH_BYTES as u64;
    let (mut at, mut found) = (end, 0);
    while found < wanted && at >= around {
        let length = length_at(at - around / 2)?;
        let begin = at.checked_sub(around + length);
        let Some(begin) = begin.filter(|begin| length_at(*begin).is_ok_and(|again| again == length)) else {
            break;
        };
        (at, found) = (begin, found + 1);
    }
    Ok((at, found))
}

/// Reads on from the beginning over at most `limit` records: how many there were, and where the next begins.
fn count(format: Format, source: &mut Source, limit: u64) -> io::Result<(u64, u64)> {
    let (mut found, mut offset) = (0, 0);
    let mut buffer = Vec::new();
    while found < limit {
        let length = buffer.len();
        buffer.resize(length + READ_BYTES, 0);
        let read = source.read(&mut buffer[length..])?;
        buffer.truncate(length + read);
        if read == 0 {
            break;
        }
        let mut passed = 0;
        match format {
            Format::JsonLines => {
                let left = usize::try_from(limit - found).unwrap_or(usize::MAX);
                for at in memchr_iter(b'\n', &buffer).take(left) {
                    (passed, found) = (at + 1, found + 1);
                }
            }
            Format::Local => {
                while found < limit
                    && let Some(length) = buffer.get(passed..).and_then(|rest| rest.first_chunk::<LENGTH_BYTES>())
                {
                    let end = passed + 2 * LENGTH_BYTES + u32::from_be_bytes(*length) as usize;
                    if end > buffer.len() {
                        break;
                    }
                    (passed, found) = (end, found + 1);
                }
            }
        }
        buffer.drain(..passed);
        offset += passed as u64;
        if buffer.len() > RECORD_LIMIT_BYTES {
            offset += buffer.len() as u64;
            buffer.clear();
        }
    }
    Ok((found, offset))
}
