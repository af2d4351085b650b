//! Records as Docker's local log driver frames them (observed: dockerd 28.5), written here and read by the daemon:
//!
//! ```text
//! | length u32 BE | message | length u32 BE |
//! message, in protocol buffers:  1 source (text)  2 time (ns)  3 line (bytes, no newline)  4 partial (bool)
//!                                5 { 1 last (bool)  2 id (text)  3 ordinal }   for parts of a line
//! ```
//! The length behind a message is for readers that go backwards. A line whose newline has not come is a part; all
//! parts of a line have the time of the first, and an id that is made of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use corten_base::Timestamp;

use crate::Stream;

/// Bytes of one length.
const LENGTH_BYTES: usize = 4;

/// What of its line a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1; 0: all of it.
    pub ordinal: u32,
    /// It ends the line.
    pub last: bool,
}

impl Part {
    /// No part.
    pub const WHOLE: Self = Self {
        ordinal: 0,
        last: false,
    };
}

/// Appends a record whose line is `text`, one piece behind the other.
pub fn encode(stream: Stream, time: Timestamp, text: [&[u8]; 2], part: Part, to: &mut Vec<u8>) {
    let begin = to.len();
    to.extend_from_slice(&[0; LENGTH_BYTES]);
    let nanos = unix_nanos(time);
    field(1, stream.name().as_bytes(), to);
    number(2, nanos.cast_unsigned(), to);
    key(3, 2, to);
    varint((text[0].len() + text[1].len()) as u64, to);
    text.iter().for_each(|piece| to.extend_from_slice(piece));
    if part.ordinal > 0 {
        number(4, 1, to);
        let mut inner = Vec::new();
        if part.last {
            number(1, 1, &mut inner);
        }
        field(2, format!("{nanos:064x}").as_bytes(), &mut inner);
        number(3, part.ordinal.into(), &mut inner);
        field(5, &inner, to);
    }
    // A line has 16 KiB at most.
    let length = u32::try_from(to.len() - begin - LENGTH_BYTES)
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    to[begin..begin + LENGTH_BYTES].copy_from_slice(&length);
    to.extend_from_slice(&length);
}

/// How much of `bytes`, which begin with a record, are whole records.
pub(crate) fn whole_length(bytes: &[u8]) -> usize {
    let mut whole = 0;
    while let Some(length) = bytes.get(whole..).and_then(|rest| rest.first_chunk()) {
        let end = whole + 2 * LENGTH_BYTES + u32::from_be_bytes(*length) as usize;
        if end > bytes.len() {
            break;
        }
        whole = end;
    }
    whole
}

/// The same of a file; looks at its end first, where nearly always all is well.
pub(crate) fn whole_file_length(file: &File, size: u64) -> io::Result<u64> {
    let length_at = |at: u64| -> io::Result<u64> {
        let mut length = [0; LENGTH_BYTES];
        file.read_exact_at(&mut length, at)?;
        Ok(u32::from_be_bytes(length).into())
    };
    const AROUND: u64 = 2 * LENGTH_BYTES as u64;
    if size == 0 {
        return Ok(0);
    }
    if size >= AROUND {
        let length = length_at(size - AROUND / 2)?;
        if let Some(begin) = size.checked_sub(AROUND + length)
            && length_at(begin)? == length
        {
            return Ok(size);
        }
    }
    let mut whole = 0;
    while whole + AROUND <= size {
        let end = whole + AROUND + length_at(whole)?;
        if end > size {
            break;
        }
        whole = end;
    }
    Ok(whole)
}

fn unix_nanos(time: Timestamp) -> i64 {
    let nanos = i128::from(time.unix_seconds()) * 1_000_000_000 + i128::from(time.subsecond_nanos());
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

fn key(field: u8, kind: u8, to: &mut Vec<u8>) {
    to.push(field << 3 | kind);
}

fn number(of: u8, value: u64, to: &mut Vec<u8>) {
    key(of, 0, to);
    varint(value, to);
}

fn field(of: u8, bytes: &[u8], to: &mut Vec<u8>) {
    key(of, 2, to);
    varint(bytes.len() as u64, to);
    to.extend_from_slice(bytes);
}

fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}
