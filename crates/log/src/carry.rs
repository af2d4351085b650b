//! Cuts a stream into lines and remembers the incomplete one, pure.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::LINE_LIMIT_BYTES;

/// The text of one record, in two parts so that the larger one need not be copied.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// What an earlier read left.
    pub(crate) before: &'a [u8],
    /// What follows it.
    pub(crate) text: &'a [u8],
    /// A newline follows.
    pub(crate) ends: bool,
    /// The time of the first part of a long line; `None`: now.
    pub(crate) time: Option<Timestamp>,
    /// Which part of its line it is, from 1; 0 for a line that is whole.
    pub(crate) part: u32,
}

/// The beginning of a line whose end has not been read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Carry {
    /// Below [`LINE_LIMIT_BYTES`] long.
    bytes: Vec<u8>,
    /// When the first part of this line was recorded, if one was.
    first_part: Option<Timestamp>,
    /// How many parts of it were recorded.
    #[serde(default)]
    parts: u32,
}

impl Carry {
    /// Emits each record that `bytes` complete.
    pub(crate) fn cut(&mut self, mut bytes: &[u8], now: Timestamp, mut emit: impl FnMut(Line<'_>)) {
        while !bytes.is_empty() {
            let room = (LINE_LIMIT_BYTES - self.bytes.len()).min(bytes.len());
            let (text, ends) = match find_newline(&bytes[..room]) {
                Some(at) => (&bytes[..at], true),
                None => (&bytes[..room], false),
            };
            let full = self.bytes.len() + text.len() == LINE_LIMIT_BYTES;
            if !ends && !full {
                self.bytes.extend_from_slice(text);
                return;
            }
            emit(Line {
                before: &self.bytes,
                text,
                ends,
                time: self.first_part,
                part: if ends && self.parts == 0 { 0 } else { self.parts + 1 },
            });
            (self.first_part, self.parts) = if ends {
                (None, 0)
            } else {
                (self.first_part.or(Some(now)), self.parts.saturating_add(1))
            };
            self.bytes = Vec::new();
            bytes = &bytes[text.len() + usize::from(ends)..];
        }
    }

    /// Emits the incomplete line, if there is one: the stream has ended.
    pub(crate) fn end(&mut self, now: Timestamp, mut emit: impl FnMut(Line<'_>)) {
        if !self.bytes.is_empty() {
            emit(Line {
                before: &self.bytes,
                text: &[],
                ends: false,
                time: Some(self.first_part.unwrap_or(now)),
                part: self.parts + 1,
            });
        }
        *self = Self::default();
    }
}

/// Looks at 32 bytes at a time, which the compiler makes vector code of.
fn find_newline(bytes: &[u8]) -> Option<usize> {
    let clean = bytes
        .chunks_exact(32)
        .take_while(|chunk| !chunk.iter().fold(false, |hit, byte| hit | (*byte == b'\n')));
    let start = clean.count() * 32;
    bytes[start..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(carry: &mut Carry, bytes: &[u8], second: i64) -> Vec<(String, bool, Option<i64>)> {
        let mut lines = Vec::new();
        carry.cut(bytes, Timestamp::from_unix(second, 0), |line| {
            let text = [line.before, line.text].concat();
            lines.push((
                String::from_utf8(text).unwrap(),
                line.ends,
                line.time.map(Timestamp::unix_seconds),
            ));
        });
        lines
    }

    #[test]
    fn whole_lines_over_several_reads() {
        let mut carry = Carry::default();
        assert_eq!(
            cut(&mut carry, b"a\n\nb", 1),
            [("a".into(), true, None), (String::new(), true, None)]
        );
        assert_eq!(cut(&mut carry, b"c", 2), []);
        assert_eq!(cut(&mut carry, b"\nd", 3), [("bc".into(), true, None)]);
        let mut last = Vec::new();
        carry.end(Timestamp::from_unix(4, 0), |line| {
            last.push((line.before.to_vec(), line.ends))
        });
        assert_eq!(last, [(b"d".to_vec(), false)]);
    }

    #[test]
    fn long_lines_are_parts_with_one_time() {
        let mut carry = Carry::default();
        let limit = LINE_LIMIT_BYTES;
        let first = cut(&mut carry, "x".repeat(limit + 10).as_bytes(), 1);
        assert_eq!(first, [("x".repeat(limit), false, None)]);
        let second = cut(&mut carry, "y".repeat(limit).as_bytes(), 2);
        assert_eq!(second, [("x".repeat(10) + &"y".repeat(limit - 10), false, Some(1))]);
        let third = cut(&mut carry, b"\nnext\n", 3);
        assert_eq!(third, [("y".repeat(10), true, Some(1)), ("next".into(), true, None)]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_followed_by_its_newline() {
        let mut text = "z".repeat(LINE_LIMIT_BYTES).into_bytes();
        text.push(b'\n');
        let lines = cut(&mut Carry::default(), &text, 7);
        assert_eq!(
            lines,
            [
                ("z".repeat(LINE_LIMIT_BYTES), false, None),
                (String::new(), true, Some(7))
            ]
        );
    }
}
