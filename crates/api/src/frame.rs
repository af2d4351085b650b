//! Frames of attach and log streams without a terminal: `[stream, 0, 0, 0, length as 32 bits big endian]`
//! and that many bytes (Docker's stdcopy).

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 8;

/// Most payload bytes that we put in one frame, and that we accept in one (16 MiB): a longer one is
/// taken for garbage.
pub const MAX_PAYLOAD_BYTES: usize = 16 << 20;

/// Which stream a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Input, echoed; clients treat it as output.
    Stdin,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// An error of the daemon; ends the stream.
    System,
}

impl Stream {
    const fn code(self) -> u8 {
        match self {
            Self::Stdin => 0,
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::System => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Stdin),
            1 => Some(Self::Stdout),
            2 => Some(Self::Stderr),
            3 => Some(Self::System),
            _ => None,
        }
    }
}

/// The bytes are not frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// No such stream.
    Stream(u8),
    /// Longer than [`MAX_PAYLOAD_BYTES`].
    Length(usize),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stream(code) => write!(f, "Unrecognized input header: {code}"),
            Self::Length(bytes) => write!(f, "frame of {bytes} bytes is too long"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The header of a frame with `length` payload bytes.
#[must_use]
pub fn header(stream: Stream, length: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = length.to_be_bytes();
    [stream.code(), 0, 0, 0, a, b, c, d]
}

/// Appends one or more frames with `payload` to `out`; nothing for an empty payload.
pub fn write(out: &mut Vec<u8>, stream: Stream, payload: &[u8]) {
    for part in payload.chunks(MAX_PAYLOAD_BYTES) {
        let length = u32::try_from(part.len()).expect("MAX_PAYLOAD_BYTES fits 32 bits");
        out.extend_from_slice(&header(stream, length));
        out.extend_from_slice(part);
    }
}

/// Takes frames apart, however the bytes arrive.
#[derive(Debug, Default)]
pub struct Reader {
    pending: Vec<u8>,
    consumed: usize,
}

impl Reader {
    /// Gives the reader what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.pending.drain(..self.consumed);
            self.consumed = 0;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// The next complete frame.
    ///
    /// # Errors
    /// The bytes are not frames; the reader is of no use afterwards.
    pub fn next_frame(&mut self) -> Result<Option<(Stream, &[u8])>, FrameError> {
        let rest = &self.pending[self.consumed..];
        let Some((&[code, _, _, _, a, b, c, d], rest)) = rest.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let stream = Stream::from_code(code).ok_or(FrameError::Stream(code))?;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > MAX_PAYLOAD_BYTES {
            return Err(FrameError::Length(length));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let start = self.consumed + HEADER_BYTES;
        self.consumed = start + length;
        Ok(Some((stream, &self.pending[start..start + length])))
    }

    /// Whether bytes of an unfinished frame are left.
    #[must_use]
    pub fn is_inside_frame(&self) -> bool {
        self.consumed < self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn header_bytes() {
        assert_eq!(header(Stream::Stderr, 0x0102_0304), [2, 0, 0, 0, 1, 2, 3, 4]);
        let mut out = Vec::new();
        write(&mut out, Stream::Stdout, b"");
        assert!(out.is_empty());
    }

    #[test]
    fn garbage_is_refused() {
        let mut reader = Reader::default();
        reader.push(b"HTTP/1.1");
        assert_eq!(reader.next_frame(), Err(FrameError::Stream(b'H')));
        let mut reader = Reader::default();
        reader.push(&[1, 0, 0, 0, 255, 0, 0, 0]);
        assert_eq!(reader.next_frame(), Err(FrameError::Length(255 << 24)));
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(frames in prop::collection::vec((0u8..4, prop::collection::vec(any::<u8>(), 1..50)), 0..9), step in 1usize..40) {
            let mut bytes = Vec::new();
            for (code, payload) in &frames {
                write(&mut bytes, Stream::from_code(*code).unwrap(), payload);
            }
            let (mut reader, mut read) = (Reader::default(), Vec::new());
            for part in bytes.chunks(step) {
                reader.push(part);
                while let Some((stream, payload)) = reader.next_frame().unwrap() {
                    read.push((stream.code(), payload.to_vec()));
                }
            }
            prop_assert!(!reader.is_inside_frame());
            prop_assert_eq!(read, frames);
        }
    }
}
