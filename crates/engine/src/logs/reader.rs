//! Reads a json-file log across its rotation: `<path>.N` (oldest) ... `<path>.1`, `<path>` (current).
//!
//! The reader holds one open file at a time and knows it by its inode, so that a rotation under way
//! neither repeats nor loses lines: when the file it reads is no longer the current one, it finishes it
//! and goes on with the next newer. The writer renames the oldest first and may be anywhere in this while
//! the names are read: each choice of a file is looked at once more after it was opened, and a name that is
//! missing for the moment does not end the list. A last line without its line end is not there yet.
//! Synchronous; output is ready for the wire.

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
/// So many names in a row that are missing end the list: each rotation under way leaves one out.
const GAPS_LIMIT: u32 = 4;
/// How often the files are looked up anew because they were rotated meanwhile. A rotation takes less
/// time than a look, so that more than a few are never needed.
const LOOKS_LIMIT: u32 = 100;

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
        for _ in 0..LOOKS_LIMIT {
            let Some(index) = self.position()? else {
                // The file fell off the end of the rotation, or the log was removed and nothing follows.
                return self.seek_oldest();
            };
            // Whatever the writer added before it rotated was read: the caller came here at the end.
            let Some((newer, file)) = self.newer(index)? else {
                return Ok(false);
            };
            // Had there been a rotation before it was opened, one of these would be another.
            let missing = |between| inode(&rotated(&self.path, between)).map(|inode| inode.is_none());
            if inode(&rotated(&self.path, index))? == Some(self.inode)
                && (newer + 1..index).map(missing).all(|missing| missing.unwrap_or(false))
            {
                return self.switch(file);
            }
        }
        Ok(false)
    }

    /// The file that follows the one at `index`. Where the writer is between two renames one name is missing.
    fn newer(&self, index: u32) -> io::Result<Option<(u32, File)>> {
        for newer in (0..index).rev() {
            if let Some(file) = open(&self.path, newer)? {
                return Ok(Some((newer, file)));
            }
        }
        Ok(None)
    }

    /// Under which of its names the present file is.
    fn position(&self) -> io::Result<Option<u32>> {
        let mut gaps = 0;
        for index in 0..FILES_LIMIT {
            match inode(&rotated(&self.path, index))? {
                Some(inode) if inode == self.inode => return Ok(Some(index)),
                Some(_) => gaps = 0,
                None => gaps += 1,
            }
            if gaps == GAPS_LIMIT {
                break;
            }
        }
        Ok(None)
    }

    fn switch(&mut self, file: File) -> io::Result<bool> {
        // The rotation may have come between the last read and the look at the names.
        if self.read_more()? {
            return Ok(true);
        }
        self.attach(file)?;
        Ok(true)
    }

    fn attach(&mut self, file: File) -> io::Result<()> {
        self.buffer.clear();
        self.start = 0;
        self.inode = file.metadata()?.ino();
        self.file = Some(file);
        Ok(())
    }

    /// Goes to the beginning of the oldest file; false if there is none that was not read.
    fn seek_oldest(&mut self) -> io::Result<bool> {
        let Some(file) = files(&self.path)?.pop() else {
            return Ok(false);
        };
        if self.file.is_some() && file.metadata()?.ino() == self.inode {
            return Ok(false);
        }
        self.attach(file)?;
        Ok(true)
    }

    fn seek_end(&mut self) -> io::Result<()> {
        if let Some(mut file) = open(&self.path, 0)? {
            file.seek(SeekFrom::End(0))?;
            self.attach(file)?;
        }
        Ok(())
    }

    /// Places the reader `wanted` lines before the end, reading backwards from the newest file.
    fn seek_tail(&mut self, wanted: u64) -> io::Result<()> {
        let mut missing = wanted;
        for mut file in files(&self.path)? {
            let offset = tail_offset(&file, missing)?;
            file.seek(SeekFrom::Start(*offset.as_ref().unwrap_or(&0)))?;
            self.attach(file)?;
            match offset {
                Ok(_) => return Ok(()),
                Err(found) => missing -= found,
            }
        }
        Ok(())
    }
}

/// All files of a log, the newest first, as they were at one moment.
fn files(path: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    for _ in 0..LOOKS_LIMIT {
        found = look(path)?;
        let inodes = |files: &[(u32, File)]| -> io::Result<Vec<(u32, u64)>> {
            let inode = |(index, file): &(u32, File)| Ok((*index, file.metadata()?.ino()));
            files.iter().map(inode).collect()
        };
        if inodes(&found)? == inodes(&look(path)?)? {
            break;
        }
    }
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

fn look(path: &Path) -> io::Result<Vec<(u32, File)>> {
    let (mut found, mut gaps) = (Vec::new(), 0);
    for index in 0..FILES_LIMIT {
        match open(path, index)? {
            Some(file) => {
                found.push((index, file));
                gaps = 0;
            }
            None => gaps += 1,
        }
        if gaps == GAPS_LIMIT {
            break;
        }
    }
    Ok(found)
}

fn open(path: &Path, index: u32) -> io::Result<Option<File>> {
    match File::open(rotated(path, index)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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
mod tests;
