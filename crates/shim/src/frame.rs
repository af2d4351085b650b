//! Frames on the wire, pure: bytes and descriptors in, messages out.
//!
//! ```text
//! | length u32 LE | descriptors u32 LE | length bytes of JSON |
//! ```
//! The descriptors of a frame travel with its first bytes or earlier, in order, so a queue of
//! received ones always holds those of the next complete frame, however the kernel cuts the stream. One message of
//! the socket carries 253 at most: where there are more, each further byte carries as many.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use corten_sys::socket::DESCRIPTORS_PER_MESSAGE;

use crate::protocol::FRAME_LIMIT_BYTES;

/// Bytes before the JSON.
const HEADER_BYTES: usize = 8;

/// One encoded frame on its way out. Dropping it before it was sent closes its descriptors.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outgoing {
    /// What is still to be sent.
    pub(crate) bytes: Vec<u8>,
    pub(crate) sent: usize,
    #[serde(with = "crate::carried::descriptors")]
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// The message cannot be framed.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It does not serialise.
    #[error("cannot write the message as JSON")]
    Json(#[source] serde_json::Error),
    /// It is longer than [`FRAME_LIMIT_BYTES`].
    #[error("the message has {0} bytes, more than a frame may have")]
    TooLong(usize),
    /// Each byte carries at most 253 descriptors.
    #[error("{0} descriptors are more than the message can carry")]
    TooManyDescriptors(usize),
}

impl Outgoing {
    /// Encodes a message with the descriptors that belong to it.
    ///
    /// # Errors
    /// When it exceeds a limit.
    pub fn new<T: Serialize>(message: &T, descriptors: Vec<OwnedFd>) -> Result<Self, EncodeError> {
        let mut bytes = vec![0; HEADER_BYTES];
        serde_json::to_writer(&mut bytes, message).map_err(EncodeError::Json)?;
        let length = bytes.len() - HEADER_BYTES;
        let header = u32::try_from(length).ok().filter(|length| *length <= FRAME_LIMIT_BYTES);
        let header = header.ok_or(EncodeError::TooLong(length))?;
        if descriptors.len() > DESCRIPTORS_PER_MESSAGE * bytes.len() {
            return Err(EncodeError::TooManyDescriptors(descriptors.len()));
        }
        let count = u32::try_from(descriptors.len()).expect("253 for each of 16 MiB at most");
        bytes[..4].copy_from_slice(&header.to_le_bytes());
        bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
        Ok(Self {
            bytes,
            sent: 0,
            descriptors,
        })
    }

    /// What the next message of the socket carries: its bytes, and how many of the descriptors.
    pub(crate) fn next_part(&self) -> (&[u8], usize) {
        let (rest, waiting) = (&self.bytes[self.sent..], self.descriptors.len());
        if waiting > DESCRIPTORS_PER_MESSAGE {
            return (&rest[..1], DESCRIPTORS_PER_MESSAGE);
        }
        (rest, waiting)
    }

    /// This many bytes went, and with them these descriptors.
    pub(crate) fn went(&mut self, bytes: usize, descriptors: usize) {
        self.sent += bytes;
        self.descriptors.drain(..descriptors);
    }

    /// Whether everything went.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// How many bytes wait.
    #[must_use]
    pub fn remaining_bytes(&self) -> usize {
        self.bytes.len() - self.sent
    }
}

/// The stream cannot be understood; the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A frame announces more than [`FRAME_LIMIT_BYTES`].
    #[error("a frame of {0} bytes is announced, more than allowed")]
    TooLong(u32),
    /// A frame announces descriptors that did not come.
    #[error("a frame announces {announced} descriptors and {received} came")]
    DescriptorsMissing {
        /// As the header says.
        announced: u32,
        /// As the kernel delivered.
        received: usize,
    },
    /// The bytes are not the JSON of a message.
    #[error("cannot read the message")]
    Json(#[source] serde_json::Error),
}

/// Cuts a received stream into messages.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Decoder {
    bytes: Vec<u8>,
    #[serde(with = "crate::carried::descriptors")]
    descriptors: VecDeque<OwnedFd>,
}

impl Decoder {
    /// An empty one, for a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what one receive delivered.
    pub fn push(&mut self, bytes: &[u8], descriptors: impl IntoIterator<Item = OwnedFd>) {
        self.bytes.extend_from_slice(bytes);
        self.descriptors.extend(descriptors);
    }

    /// The next complete message with its descriptors; `None` until more is pushed.
    ///
    /// # Errors
    /// When the stream is broken: the caller closes the connection.
    pub fn decode<T: DeserializeOwned>(&mut self) -> Result<Option<(T, Vec<OwnedFd>)>, DecodeError> {
        let Some((header, body)) = self.bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let [a, b, c, d, e, f, g, h] = *header;
        let (length, announced) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if length > FRAME_LIMIT_BYTES {
            return Err(DecodeError::TooLong(length));
        }
        let length = length as usize;
        let Some(body) = body.get(..length) else {
            return Ok(None);
        };
        let received = self.descriptors.len();
        if announced as usize > received {
            return Err(DecodeError::DescriptorsMissing { announced, received });
        }
        let message = serde_json::from_slice(body).map_err(DecodeError::Json)?;
        self.bytes.drain(..HEADER_BYTES + length);
        let descriptors = self.descriptors.drain(..announced as usize).collect();
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
            self.descriptors.shrink_to_fit();
        }
        Ok(Some((message, descriptors)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn null() -> OwnedFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn refuses_what_cannot_be() {
        let mut decoder = Decoder::new();
        decoder.push(&[255, 255, 255, 255, 0, 0, 0, 0], []);
        assert!(matches!(
            decoder.decode::<String>(),
            Err(DecodeError::TooLong(u32::MAX))
        ));
        let mut decoder = Decoder::new();
        decoder.push(&[2, 0, 0, 0, 1, 0, 0, 0, b'"', b'"'], []);
        assert!(matches!(
            decoder.decode::<String>(),
            Err(DecodeError::DescriptorsMissing {
                announced: 1,
                received: 0
            })
        ));
        let mut decoder = Decoder::new();
        decoder.push(&[1, 0, 0, 0, 0, 0, 0, 0, b'{'], []);
        assert!(matches!(decoder.decode::<String>(), Err(DecodeError::Json(_))));
    }

    #[test]
    fn many_descriptors_go_in_parts() {
        let mut frame = Outgoing::new(&"", (0..507).map(|_| null()).collect()).unwrap();
        let mut parts = Vec::new();
        while !frame.is_sent() {
            let (bytes, descriptors) = frame.next_part();
            let part = (bytes.len(), descriptors);
            frame.went(part.0, part.1);
            parts.push(part);
        }
        assert_eq!(parts, [(1, 253), (1, 253), (8, 1)]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_messages(
            messages in prop::collection::vec((".{0,40}", 0usize..3), 1..8),
            cuts in prop::collection::vec(1usize..30, 1..40),
        ) {
            let mut stream = Vec::new();
            let mut arrivals = VecDeque::new();
            for (text, count) in &messages {
                let frame = Outgoing::new(text, (0..*count).map(|_| null()).collect()).unwrap();
                arrivals.push_back((stream.len(), frame.descriptors));
                stream.extend(frame.bytes);
            }
            let mut decoder = Decoder::new();
            let mut decoded = Vec::new();
            let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
            while at < stream.len() {
                let end = (at + cuts.next().unwrap()).min(stream.len());
                let mut descriptors = Vec::new();
                while arrivals.front().is_some_and(|(start, _)| *start < end) {
                    descriptors.extend(arrivals.pop_front().unwrap().1);
                }
                decoder.push(&stream[at..end], descriptors);
                at = end;
                while let Some((text, descriptors)) = decoder.decode::<String>().unwrap() {
                    decoded.push((text, descriptors.len()));
                }
            }
            prop_assert_eq!(decoded, messages);
        }
    }
}
