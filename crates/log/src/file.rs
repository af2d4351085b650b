//! The log's files: `<path>`, and `<path>.1`, `<path>.2`, ... from newer to older after rotation, which the daemon
//! may have compressed to `<path>.1.gz`, ...
//!
//! Only whole records stay in a file: when a write is cut short, what it left of one is removed. Names change only
//! under a lock (flock(2)) of the directory, which the daemon takes to put a compressed file in the place of
//! another; while it has it, the rotation waits for the next record.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::{Format, local};

/// What the names of plain and of compressed files end with.
const FORMS: [&str; 2] = ["", ".gz"];

/// The current file and when it is full.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LogFile {
    path: PathBuf,
    /// `None` when it could not be opened again after a rotation; tried at the next write.
    #[serde(skip)]
    file: Option<File>,
    size_bytes: u64,
    /// Rotate at this size; `u64::MAX`: never.
    full_bytes: u64,
    max_size_bytes: u64,
    max_files: u32,
    lost_bytes: u64,
    #[serde(default)]
    format: Format,
    /// Set by a rotation, for whoever wants to know.
    #[serde(default)]
    rotated: bool,
}

impl LogFile {
    pub(crate) fn open(path: &Path, max_size_bytes: u64, max_files: u32, format: Format) -> io::Result<Self> {
        let max_size_bytes = if max_size_bytes == 0 { u64::MAX } else { max_size_bytes };
        let (path, file) = (path.to_owned(), None);
        let mut log = Self {
            path,
            file,
            size_bytes: 0,
            full_bytes: max_size_bytes,
            max_size_bytes,
            max_files,
            lost_bytes: 0,
            format,
            rotated: false,
        };
        log.open_current()?;
        Ok(log)
    }

    /// Whether `more` bytes reach the size at which the file is rotated.
    pub(crate) fn is_full_with(&self, more: usize) -> bool {
        self.size_bytes.saturating_add(more as u64) >= self.full_bytes
    }

    /// Whether files were renamed since the last time this was asked.
    pub(crate) fn was_rotated(&mut self) -> bool {
        std::mem::take(&mut self.rotated)
    }

    /// Appends whole records, after a rotation if the file is full. What the disk does not take is lost and noted.
    pub(crate) fn append(&mut self, lines: &[u8]) {
        if self.size_bytes >= self.full_bytes {
            self.rotate();
        }
        if self.lost_bytes > 0 {
            let note = self.format.lost_note(self.lost_bytes);
            if self.write(&note).is_ok() {
                self.lost_bytes = 0;
            }
        }
        if let Err(Lost(bytes)) = self.write(lines) {
            self.lost_bytes += bytes;
        }
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), Lost> {
        if self.file.is_none() && self.open_current().is_err() {
            return Err(Lost(lines.len() as u64));
        }
        let file = self.file.as_mut().expect("opened above");
        let mut written = 0;
        while written < lines.len() {
            match file.write(&lines[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let whole = self.format.whole_length(&lines[..written]);
        self.size_bytes += whole as u64;
        if whole == lines.len() {
            return Ok(());
        }
        if whole < written && file.set_len(self.size_bytes).is_err() {
            // The torn line stays, but the next one must not continue it.
            self.size_bytes += (written - whole) as u64;
            self.file = None;
        }
        Err(Lost((lines.len() - whole) as u64))
    }

    fn rotate(&mut self) {
        match self.shift() {
            Ok(()) => {
                self.file = None;
                self.size_bytes = 0;
                self.full_bytes = self.max_size_bytes;
                self.rotated = true;
            }
            // Somebody else is at the names: the next record tries again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Goes on in the same file, and tries again when as much has been written once more.
            Err(_) => self.full_bytes = self.size_bytes.saturating_add(self.max_size_bytes),
        }
    }

    /// Renames each file to the next older name; the oldest goes.
    fn shift(&self) -> io::Result<()> {
        let directory = File::open(self.path.parent().unwrap_or(Path::new(".")))?;
        flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
        if self.max_files < 2 {
            return remove_if_there(&self.path);
        }
        for form in FORMS {
            remove_if_there(&self.aged(self.max_files - 1, form))?;
        }
        // Both forms of one age before the next: else a plain file would for a moment hide a compressed one.
        for age in (1..self.max_files - 1).rev() {
            for form in FORMS {
                rename_if_there(&self.aged(age, form), &self.aged(age + 1, form))?;
            }
        }
        rename_if_there(&self.path, &self.aged(1, ""))
    }

    fn aged(&self, age: u32, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{age}{suffix}"));
        name.into()
    }

    /// Opens the current file for appending and closes a record that a dead writer left open.
    fn open_current(&mut self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o640)
            .open(&self.path)?;
        self.size_bytes = file.metadata()?.len();
        match self.format {
            Format::JsonLines => {
                let mut last = [b'\n'];
                if self.size_bytes > 0 {
                    file.read_exact_at(&mut last, self.size_bytes - 1)?;
                }
                if last != *b"\n" {
                    file.write_all(b"\n")?;
                    self.size_bytes += 1;
                }
            }
            Format::Local => {
                let whole = local::whole_file_length(&file, self.size_bytes)?;
                if whole < self.size_bytes {
                    file.set_len(whole)?;
                    self.size_bytes = whole;
                }
            }
        }
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
impl LogFile {
    pub(crate) fn replace_file(&mut self, file: File) -> File {
        self.file.replace(file).expect("opened")
    }
}

/// So many bytes were not written.
#[derive(Debug)]
struct Lost(u64);

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
