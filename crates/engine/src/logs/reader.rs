//! Reads a json-file log across its rotation: `<path>.N` (oldest) ... `<path>.1`, `<path>` (current).
//!
//! The reader holds one open file at a time and knows it by its inode, so that a rotation under way
//! neither repeats nor loses lines: when the file it reads is no longer the current one, it finishes it
//! and goes on with the next newer. A last line without its line end is not there yet. Synchronous;
//! output is ready for the wire.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use corten_base::Timestamp;
use memchr::{memchr, memrchr_iter};

use super::line::{self, Line, Stream};

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
}

/// A position in a log.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    selection: Selection,
    file: Option<File>,
    inode: u64,
    buffer: Vec<u8>,
    start: usize,
    done: bool,
}

/// Bytes read from a log file at once.
const READ_BYTES: usize = 256 * 1024;
/// A line longer than this is nonsense: the shim splits output at 16 KiB, and escapes take six bytes.
const LINE_LIMIT_BYTES: usize = 1024 * 1024;
/// More rotated files than anyone configures.
const FILES_LIMIT: u32 = 1000;

impl Reader {
    /// Opens the log at `path`, which need not exist yet.
    pub fn open(path: &Path, selection: Selection) -> io::Result<Self> {
        let mut reader = Self {
            path: path.to_owned(),
            selection,
            file: None,
            inode: 0,
            buffer: Vec::new(),
            start: 0,
            done: false,
        };
        match reader.selection.tail {
            Some(0) => reader.seek_end()?,
            Some(lines) => reader.seek_tail(lines)?,
            None => drop(reader.seek_oldest()?),
        }
        Ok(reader)
    }

    /// Appends whatever can be read now to `output`, stopping soon after `limit` bytes. Returns whether
    /// there may be more at once.
    pub fn fill(&mut self, output: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
        while !self.done {
            if self.drain(output, limit) {
                return Ok(true);
            }
            if !self.done && !self.read_more()? && !self.next_file()? {
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

    /// Turns whole lines of the buffer into output; true if `limit` stopped it.
    fn drain(&mut self, output: &mut Vec<u8>, limit: usize) -> bool {
        while let Some(length) = memchr(b'\n', &self.buffer[self.start..]) {
            let bytes = &self.buffer[self.start..self.start + length];
            self.start += length + 1;
            if let Some(line) = line::parse(bytes)
                && !emit(&self.selection, &line, output)
            {
                self.done = true;
                return false;
            }
            if output.len() >= limit {
                return true;
            }
        }
        if self.buffer.len() - self.start > LINE_LIMIT_BYTES {
            self.start = self.buffer.len();
        }
        false
    }

    fn read_more(&mut self) -> io::Result<bool> {
        let Some(file) = &mut self.file else { return Ok(false) };
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + READ_BYTES, 0);
        let count = file.read(&mut self.buffer[length..]);
        self.buffer.truncate(length + *count.as_ref().unwrap_or(&0));
        Ok(count? > 0)
    }

    /// Goes on with the next newer file if the present one was rotated away.
    fn next_file(&mut self) -> io::Result<bool> {
        if self.file.is_none() {
            return self.seek_oldest();
        }
        for index in 0..FILES_LIMIT {
            let Some(inode) = inode(&rotated(&self.path, index))? else {
                break;
            };
            if inode == self.inode {
                // Whatever the writer added before it rotated was read: the caller came here at the end.
                return if index == 0 { Ok(false) } else { self.switch(index - 1) };
            }
        }
        // The file fell off the end of the rotation, or the log was removed and nothing follows.
        self.seek_oldest()
    }

    fn switch(&mut self, index: u32) -> io::Result<bool> {
        // The rotation may have come between the last read and the look at the names.
        if self.read_more()? {
            return Ok(true);
        }
        self.buffer.clear();
        self.start = 0;
        self.attach(index)
    }

    fn attach(&mut self, index: u32) -> io::Result<bool> {
        match File::open(rotated(&self.path, index)) {
            Ok(file) => {
                self.inode = file.metadata()?.ino();
                self.file = Some(file);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn oldest(&self) -> io::Result<u32> {
        let mut index = 0;
        while index + 1 < FILES_LIMIT && inode(&rotated(&self.path, index + 1))?.is_some() {
            index += 1;
        }
        Ok(index)
    }

    /// Goes to the beginning of the oldest file; false if there is none.
    fn seek_oldest(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        self.start = 0;
        let oldest = self.oldest()?;
        self.attach(oldest)
    }

    fn seek_end(&mut self) -> io::Result<()> {
        if self.attach(0)?
            && let Some(file) = &mut self.file
        {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }

    /// Places the reader `wanted` lines before the end, reading backwards from the newest file.
    fn seek_tail(&mut self, wanted: u64) -> io::Result<()> {
        let oldest = self.oldest()?;
        let mut missing = wanted;
        for index in 0..=oldest {
            if !self.attach(index)? {
                return Ok(());
            }
            let Some(file) = &mut self.file else { return Ok(()) };
            match tail_offset(file, missing)? {
                Ok(offset) => {
                    file.seek(SeekFrom::Start(offset))?;
                    return Ok(());
                }
                Err(found) => missing -= found,
            }
        }
        Ok(())
    }
}

/// The offset of the `wanted`-th line from the end of `file`, or how many lines it has if fewer.
fn tail_offset(file: &File, wanted: u64) -> io::Result<Result<u64, u64>> {
    let mut end = file.metadata()?.len();
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
                return Ok(Ok(start + at as u64 + 1));
            }
            found += 1;
        }
        end = start;
    }
    Ok(if found == wanted { Ok(0) } else { Err(found) })
}

fn rotated(path: &Path, index: u32) -> PathBuf {
    if index == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{index}"));
    name.into()
}

fn inode(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `line` if it is selected; false once nothing later can be.
fn emit(selection: &Selection, line: &Line<'_>, output: &mut Vec<u8>) -> bool {
    if selection.since.is_some() || selection.until.is_some() {
        let time = line.timestamp().unwrap_or_default();
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
        padded(&line.time)
    } else {
        String::new()
    };
    let length = time.len() + selection.prefix.len() + line.text.len();
    if selection.framed {
        output.extend_from_slice(&[line.stream.number(), 0, 0, 0]);
        output.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    output.extend_from_slice(time.as_bytes());
    output.extend_from_slice(selection.prefix.as_bytes());
    output.extend_from_slice(&line.text);
}

/// A time with all nine digits of its fraction and a space: what `--timestamps` prints.
fn padded(time: &str) -> String {
    let body = time.strip_suffix('Z').unwrap_or(time);
    match body.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<9}Z "),
        None => format!("{body}.000000000Z "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn all() -> Selection {
        Selection {
            stdout: true,
            stderr: true,
            since: None,
            until: None,
            tail: None,
            timestamps: false,
            prefix: String::new(),
            framed: false,
        }
    }

    fn lines(range: std::ops::Range<u32>) -> String {
        range.fold(String::new(), |mut text, number| {
            writeln!(
                text,
                r#"{{"log":"{number}\n","stream":"stdout","time":"2024-01-01T00:00:{:02}Z"}}"#,
                number % 60
            )
            .unwrap();
            text
        })
    }

    fn read(path: &Path, selection: Selection) -> String {
        let mut output = Vec::new();
        let mut reader = Reader::open(path, selection).unwrap();
        while reader.fill(&mut output, 7).unwrap() {}
        String::from_utf8(output)
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_log_that_is_removed_under_its_reader_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, lines(0..2)).unwrap();
        let mut reader = Reader::open(&path, all()).unwrap();
        let mut output = Vec::new();
        assert!(!reader.fill(&mut output, 1000).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!reader.fill(&mut output, 1000).unwrap());
        assert_eq!(output, b"0\n1\n");
    }

    #[test]
    fn rotated_files_in_order_and_tail() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert_eq!(read(&path, all()), "");
        std::fs::write(directory.path().join("log.2"), lines(0..2)).unwrap();
        std::fs::write(directory.path().join("log.1"), lines(2..4)).unwrap();
        std::fs::write(&path, lines(4..6) + "{\"log\":\"half").unwrap();
        assert_eq!(read(&path, all()), "0 1 2 3 4 5");
        for (tail, expected) in [
            (0, ""),
            (1, "5"),
            (2, "4 5"),
            (3, "3 4 5"),
            (5, "1 2 3 4 5"),
            (6, "0 1 2 3 4 5"),
            (99, "0 1 2 3 4 5"),
        ] {
            assert_eq!(
                read(
                    &path,
                    Selection {
                        tail: Some(tail),
                        ..all()
                    }
                ),
                expected,
                "{tail}"
            );
        }
        let at = |seconds: i64| Some(Timestamp::from_unix(1_704_067_200 + seconds, 0));
        assert_eq!(
            read(
                &path,
                Selection {
                    since: at(2),
                    until: at(4),
                    ..all()
                }
            ),
            "2 3 4"
        );
        assert_eq!(read(&path, Selection { stdout: false, ..all() }), "");
    }

    #[test]
    fn follows_through_rotation() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut reader = Reader::open(&path, all()).unwrap();
        let mut output = Vec::new();
        assert!(!reader.fill(&mut output, 1000).unwrap());
        std::fs::write(&path, lines(0..1)).unwrap();
        reader.fill(&mut output, 1000).unwrap();
        std::fs::write(directory.path().join("more"), "").unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        io::Write::write_all(&mut file, lines(1..2).as_bytes()).unwrap();
        std::fs::rename(&path, directory.path().join("log.1")).unwrap();
        std::fs::write(&path, lines(2..3)).unwrap();
        std::fs::rename(directory.path().join("log.1"), directory.path().join("log.2")).unwrap();
        std::fs::rename(&path, directory.path().join("log.1")).unwrap();
        std::fs::write(&path, lines(3..4)).unwrap();
        while reader.fill(&mut output, 1000).unwrap() {}
        assert_eq!(String::from_utf8(output).unwrap(), "0\n1\n2\n3\n");
    }

    #[test]
    fn frames_and_times() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, lines(1..2)).unwrap();
        let selection = Selection {
            timestamps: true,
            framed: true,
            prefix: "a=b ".to_owned(),
            ..all()
        };
        let mut output = Vec::new();
        Reader::open(&path, selection).unwrap().fill(&mut output, 1000).unwrap();
        assert_eq!(output, b"\x01\0\0\0\0\0\0\x252024-01-01T00:00:01.000000000Z a=b 1\n");
    }
}
