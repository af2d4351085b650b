//! The container's output on disk, in Docker's json-file format:
//!
//! ```text
//! {"log":"text\n","stream":"stdout","attrs":{"k":"v"},"time":"2026-01-02T03:04:05.678901234Z"}
//! ```
//! or in that of its local driver ([`local`]), which keeps bytes that are no UTF-8 as they are.
//!
//! One record a line. A line longer than [`LINE_LIMIT_BYTES`] becomes several records, all but the
//! last without the newline in their text and all with the time of the first; output that ends
//! without a newline is recorded without one (observed: dockerd 28.5).
//!
//! What is recorded is in the file when [`Recorder::record`] returns, whole lines only. A disk that
//! is full costs records, and a note about it, but never an error.

mod carry;
pub mod escape;
mod file;
pub mod local;

use std::collections::BTreeMap;
use std::path::PathBuf;

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use carry::Carry;
use file::LogFile;

/// The longest text of one record in bytes, as Docker's copier has it.
pub const LINE_LIMIT_BYTES: usize = 16 * 1024;

/// Encoded records are written at the latest when there are this many bytes of them.
const WRITE_BYTES: usize = 64 * 1024;

/// A stream of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output, or a terminal's.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// As the log and the API name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// How records are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// A line of JSON each: json-file.
    #[default]
    JsonLines,
    /// A framed message each: local.
    Local,
}

impl Format {
    /// How much of `bytes`, which begin with a record, are whole records.
    fn whole_length(self, bytes: &[u8]) -> usize {
        match self {
            Self::JsonLines => bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
            Self::Local => local::whole_length(bytes),
        }
    }

    /// The record that says so much is missing here.
    fn lost_note(self, bytes: u64) -> Vec<u8> {
        let time = Timestamp::now();
        let text = format!("[corten: {bytes} bytes of the log were lost, the disk took no more]");
        match self {
            Self::JsonLines => {
                format!("{{\"log\":\"{text}\\n\",\"stream\":\"stderr\",\"time\":\"{time}\"}}\n").into_bytes()
            }
            Self::Local => {
                let mut note = Vec::new();
                let parts = [text.as_bytes(), &[]];
                local::encode(Stream::Stderr, time, parts, local::Part::WHOLE, &mut note);
                note
            }
        }
    }
}

/// Where and how records are kept.
#[derive(Debug, Clone)]
pub struct Target {
    /// The current file.
    pub path: PathBuf,
    /// Rotate when a file has this size in bytes; zero: never.
    pub max_size_bytes: u64,
    /// How many files in all, at least one.
    pub max_files: u32,
    /// Recorded with each line of JSON; empty: not written.
    pub attributes: BTreeMap<String, String>,
    /// How.
    pub format: Format,
}

/// Writes records of both streams to one file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recorder {
    file: LogFile,
    /// `,"attrs":{...}`, or empty.
    attributes: String,
    stdout: Carry,
    stderr: Carry,
    #[serde(default)]
    format: Format,
    #[serde(skip)]
    encoded: Vec<u8>,
}

impl Recorder {
    /// Opens or continues the file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(target: &Target) -> std::io::Result<Self> {
        let file = LogFile::open(&target.path, target.max_size_bytes, target.max_files, target.format)?;
        let attributes = encode_attributes(&target.attributes);
        Ok(Self {
            file,
            attributes,
            stdout: Carry::default(),
            stderr: Carry::default(),
            format: target.format,
            encoded: Vec::new(),
        })
    }

    /// Whether the files were rotated since the last time this was asked.
    pub fn was_rotated(&mut self) -> bool {
        self.file.was_rotated()
    }

    /// Records the lines that `bytes` complete as seen at `now`; keeps the rest for the next call.
    pub fn record(&mut self, stream: Stream, bytes: &[u8], now: Timestamp) {
        let tail = self.tail(stream, now);
        let mut carry = std::mem::take(self.carry(stream));
        carry.cut(bytes, now, |line| self.encode(stream, &line, &tail, now));
        *self.carry(stream) = carry;
        self.flush();
    }

    /// Records what the stream ended with, if that was no whole line.
    pub fn finish(&mut self, stream: Stream, now: Timestamp) {
        let tail = self.tail(stream, now);
        let mut carry = std::mem::take(self.carry(stream));
        carry.end(now, |line| self.encode(stream, &line, &tail, now));
        self.flush();
    }

    /// Gives the buffer's memory back until the next record.
    pub fn release_buffer(&mut self) {
        self.encoded = Vec::new();
    }

    fn encode(&mut self, stream: Stream, line: &carry::Line<'_>, tail: &str, now: Timestamp) {
        match self.format {
            Format::JsonLines => self.encode_json(stream, line, tail),
            Format::Local => {
                let part = local::Part {
                    ordinal: line.part,
                    last: line.part > 0 && line.ends,
                };
                let time = line.time.unwrap_or(now);
                local::encode(stream, time, [line.before, line.text], part, &mut self.encoded);
            }
        }
        if self.encoded.len() >= WRITE_BYTES || self.file.is_full_with(self.encoded.len()) {
            self.flush();
        }
    }

    fn encode_json(&mut self, stream: Stream, line: &carry::Line<'_>, tail: &str) {
        self.encoded.extend_from_slice(br#"{"log":""#);
        escape::escape(line.before, &mut self.encoded);
        escape::escape(line.text, &mut self.encoded);
        if line.ends {
            self.encoded.extend_from_slice(br"\n");
        }
        match line.time {
            None => self.encoded.extend_from_slice(tail.as_bytes()),
            Some(time) => self.encoded.extend_from_slice(self.tail(stream, time).as_bytes()),
        }
    }

    /// All of a record after its text.
    fn tail(&self, stream: Stream, time: Timestamp) -> String {
        format!(
            "\",\"stream\":\"{}\"{},\"time\":\"{time}\"}}\n",
            stream.name(),
            self.attributes
        )
    }

    fn carry(&mut self, stream: Stream) -> &mut Carry {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn flush(&mut self) {
        if !self.encoded.is_empty() {
            self.file.append(&self.encoded);
            self.encoded.clear();
        }
    }
}

fn encode_attributes(attributes: &BTreeMap<String, String>) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let mut encoded = b",\"attrs\":{".to_vec();
    for (index, (key, value)) in attributes.iter().enumerate() {
        encoded.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        escape::escape(key.as_bytes(), &mut encoded);
        encoded.extend_from_slice(b"\":\"");
        escape::escape(value.as_bytes(), &mut encoded);
        encoded.push(b'"');
    }
    encoded.push(b'}');
    String::from_utf8(encoded).expect("escaped text is UTF-8")
}

#[cfg(test)]
mod tests;
