//! Reads a log for a client: the records that are wanted, in the form they go over the wire. Where they are, over
//! rotation and compression, is the [`Cursor`]'s to know. Synchronous.

use std::io;
use std::path::Path;

use corten_base::Timestamp;
use corten_shim::log::Format;

use super::cursor::Cursor;
use super::entry::{Line, Stream};

/// What of a log is wanted, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Lines of standard output.
    pub stdout: bool,
    /// Lines of standard error.
    pub stderr: bool,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
    /// Only this many of the last lines.
    pub tail: Option<u64>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// What precedes each line: the container's log details, ready to print, or empty.
    pub prefix: String,
    /// Docker's 8-byte frames around each line.
    pub framed: bool,
    /// How the log is written.
    pub format: Format,
}

/// A log on its way to a client.
#[derive(Debug)]
pub struct Reader {
    cursor: Cursor,
    selection: Selection,
    done: bool,
}

impl Reader {
    /// Opens the log at `path`, which need not exist yet.
    pub fn open(path: &Path, selection: Selection) -> io::Result<Self> {
        let mut cursor = Cursor::new(path, selection.format);
        match selection.tail {
            Some(0) => cursor.seek_end()?,
            Some(lines) => cursor.seek_tail(lines)?,
            None => drop(cursor.seek_oldest()?),
        }
        Ok(Self {
            cursor,
            selection,
            done: false,
        })
    }

    /// Appends whatever can be read now to `output`, stopping soon after `limit` bytes; no more than that is read
    /// ahead. Returns whether there may be more at once.
    pub fn fill(&mut self, output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
        self.cursor.read_at_once(limit);
        while !self.done {
            let (selection, done) = (&self.selection, &mut self.done);
            let stopped = self.cursor.each(|line| {
                *done = !emit(selection, line, output);
                !*done && output.len() < limit
            });
            if stopped {
                return Ok(!self.done);
            }
            if !self.cursor.advance()? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Whether nothing can follow, however long one waits: `until` is passed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }
}

/// Writes `line` if it is selected; false once nothing later can be.
fn emit(selection: &Selection, line: &Line<'_>, output: &mut Vec<u8>) -> bool {
    if selection.since.is_some() || selection.until.is_some() {
        let time = line.time.timestamp();
        if selection.until.is_some_and(|until| time > until) {
            return false;
        }
        if selection.since.is_some_and(|since| time < since) {
            return true;
        }
    }
    let wanted = match line.stream {
        Stream::Stdout => selection.stdout,
        Stream::Stderr => selection.stderr,
    };
    if wanted {
        write(selection, line, output);
    }
    true
}

fn write(selection: &Selection, line: &Line<'_>, output: &mut Vec<u8>) {
    let time = if selection.timestamps {
        line.time.padded() + " "
    } else {
        String::new()
    };
    let length = time.len() + selection.prefix.len() + line.text.len() + usize::from(line.ends);
    if selection.framed {
        output.extend_from_slice(&[line.stream.number(), 0, 0, 0]);
        output.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    output.extend_from_slice(time.as_bytes());
    output.extend_from_slice(selection.prefix.as_bytes());
    output.extend_from_slice(&line.text);
    output.extend(line.ends.then_some(b'\n'));
}

#[cfg(test)]
mod tests;
