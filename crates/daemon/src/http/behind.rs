//! What has been read of a connection behind the request in progress: input that belongs to a raw stream,
//! or the next request.
//!
//! Invariant: between requests the bytes begin with the next head; during one, its head and its body have
//! been taken off, so that only what follows is kept. The HTTP machinery reads no further than a buffer
//! ahead, and so no more than that is ever kept; bodies are counted, not kept.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

/// Most bytes that are kept: twice what the machinery reads ahead.
const LIMIT_BYTES: usize = 4 << 20;

/// The bytes behind the request in progress.
#[derive(Debug, Default)]
pub(super) struct Behind {
    bytes: Vec<u8>,
    body: Body,
    lost: bool,
}

/// How much of the body in progress is still to come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Nothing.
    #[default]
    Ended,
    /// So many bytes.
    Length(u64),
    /// Chunks; somewhere inside.
    Chunks(Chunk),
}

/// Where in a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// In the digits of a size.
    Size(u64),
    /// Behind the digits, in the same line.
    Extension(u64),
    /// So many bytes of data before the line end.
    Data(u64),
    /// In the line end behind data.
    DataEnd,
    /// In the lines behind the last chunk; whether the current one is empty so far.
    Trailer(bool),
}

impl Behind {
    /// Bytes that were read.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let rest = self.body.take_off(bytes);
        if self.bytes.len() + rest.len() > LIMIT_BYTES {
            // Nobody sends so much ahead of an answer and means it.
            (self.lost, self.bytes) = (true, Vec::new());
        } else if !self.lost {
            self.bytes.extend_from_slice(rest);
        }
    }

    /// The machinery has found a head with these headers at the beginning.
    pub(super) fn begin_request(&mut self, headers: &HeaderMap) {
        let bytes = std::mem::take(&mut self.bytes);
        let head = head_length(&bytes).unwrap_or(bytes.len());
        self.body = Body::of(headers);
        let rest = self.body.take_off(&bytes[head..]);
        self.bytes = rest.to_vec();
    }

    /// Whether part of a head is there.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes behind the request in progress; `None` if there were too many to keep.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        (!self.lost).then(|| std::mem::take(&mut self.bytes))
    }
}

/// Length of the head at the beginning, its empty line included. Lines end with LF, usually behind a CR;
/// empty ones before the request are passed over.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut is_begun = false;
    let mut at = 0;
    loop {
        let line = bytes[at..].iter().position(|byte| *byte == b'\n')?;
        let is_empty = matches!(bytes[at..at + line], [] | [b'\r']);
        at += line + 1;
        match (is_empty, is_begun) {
            (true, true) => return Some(at),
            (true, false) => {}
            (false, _) => is_begun = true,
        }
    }
}

impl Body {
    /// The body that headers announce. The machinery has refused contradictions.
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let chunked = text(TRANSFER_ENCODING).is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"));
        if chunked {
            return Self::Chunks(Chunk::Size(0));
        }
        match text(CONTENT_LENGTH).and_then(|value| value.parse().ok()) {
            None | Some(0) => Self::Ended,
            Some(length) => Self::Length(length),
        }
    }

    /// What of `bytes` lies behind this body.
    fn take_off<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while !bytes.is_empty() {
            match self {
                Self::Ended => break,
                Self::Length(left) => {
                    let taken = count(*left, bytes);
                    bytes = &bytes[taken..];
                    *left -= u64::try_from(taken).unwrap_or(*left);
                    if *left == 0 {
                        *self = Self::Ended;
                    }
                }
                Self::Chunks(chunk) => {
                    let (taken, next) = chunk.step(bytes);
                    bytes = &bytes[taken..];
                    *self = next.map_or(Self::Ended, Self::Chunks);
                }
            }
        }
        bytes
    }
}

/// How many of the bytes belong to the next `left`.
fn count(left: u64, bytes: &[u8]) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())
}

impl Chunk {
    /// Goes over at least one byte: how many were taken, and where that is; `None` behind the end.
    fn step(self, bytes: &[u8]) -> (usize, Option<Self>) {
        let first = bytes[0];
        let next = match self {
            Self::Data(left) => {
                let taken = count(left, bytes);
                let left = left - u64::try_from(taken).unwrap_or(left);
                let next = if left == 0 { Self::DataEnd } else { Self::Data(left) };
                return (taken, Some(next));
            }
            Self::Size(size) | Self::Extension(size) if first == b'\n' => match size {
                0 => Self::Trailer(true),
                size => Self::Data(size),
            },
            Self::Size(size) => match char::from(first).to_digit(16) {
                Some(digit) => Self::Size(size.saturating_mul(16).saturating_add(u64::from(digit))),
                None => Self::Extension(size),
            },
            Self::Extension(size) => Self::Extension(size),
            Self::DataEnd if first == b'\n' => Self::Size(0),
            Self::DataEnd => Self::DataEnd,
            Self::Trailer(true) if first == b'\n' => return (1, None),
            Self::Trailer(empty) => Self::Trailer(first == b'\n' || (empty && first == b'\r')),
        };
        (1, Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    /// What lies behind the request when all was read `step` bytes at a time.
    fn behind(text: &str, headers: &[(HeaderName, &'static str)], step: usize) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        let head = head_length(text.as_bytes()).unwrap();
        let mut behind = Behind::default();
        behind.read(&text.as_bytes()[..head]);
        behind.begin_request(&headers);
        for piece in text.as_bytes()[head..].chunks(step) {
            behind.read(piece);
        }
        let late = behind.take().unwrap();
        let mut at_once = Behind::default();
        at_once.read(text.as_bytes());
        at_once.begin_request(&headers);
        assert_eq!(at_once.take().unwrap(), late, "read at once and in pieces");
        String::from_utf8(late).unwrap()
    }

    #[test]
    fn input_behind_a_body_of_known_length() {
        for (text, length, expected) in [
            ("POST / HTTP/1.1\r\nA: b\r\n\r\nhello", "0", "hello"),
            ("\r\n\r\nPOST / HTTP/1.1\nA: b\n\nhello", "0", "hello"),
            ("POST / HTTP/1.1\r\nA: b\r\n\r\n{}hello", "2", "hello"),
            ("POST / HTTP/1.1\r\nA: b\r\n\r\n{", "2", ""),
        ] {
            for step in [1, 3, 100] {
                assert_eq!(behind(text, &[(CONTENT_LENGTH, length)], step), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn input_behind_a_chunked_body() {
        for (body, expected) in [
            ("2\r\n{}\r\n0\r\n\r\nhello", "hello"),
            ("1;x=y\r\n{\r\n1\r\n}\r\n0\r\nT: r\r\n\r\nhello", "hello"),
            ("00a\r\n\n\n\n\r\r0\r\n\r\n\n\r\n0\r\n\r\nhello", "hello"),
            ("0\r\n\r\n", ""),
            ("2\r\n{}", ""),
            ("ffffffffffffffffff\r\nx", ""),
        ] {
            for step in [1, 2, 100] {
                let text = format!("P / HTTP/1.1\r\n\r\n{body}");
                assert_eq!(
                    behind(&text, &[(TRANSFER_ENCODING, "chunked")], step),
                    expected,
                    "{body:?}"
                );
            }
        }
    }

    #[test]
    fn requests_that_come_together_are_told_apart() {
        let mut behind = Behind::default();
        behind.read(b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcinput");
        behind.begin_request(&HeaderMap::new());
        let length = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("3"))]);
        behind.begin_request(&length);
        behind.read(b" more");
        assert_eq!(behind.take().unwrap(), b"input more");
    }

    #[test]
    fn long_bodies_are_not_kept_and_too_much_input_is_not_lost_in_silence() {
        let length = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("8388608"))]);
        let mut behind = Behind::default();
        behind.read(b"POST / HTTP/1.1\r\n\r\n");
        behind.begin_request(&length);
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..8 {
            behind.read(&piece);
            assert!(behind.is_empty());
        }
        for _ in 0..4 {
            behind.read(&piece);
        }
        assert_eq!(behind.bytes.len(), 4 << 20);
        behind.read(b"x");
        assert_eq!(behind.take(), None);
    }
}
