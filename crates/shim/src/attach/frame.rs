//! Docker's frames of output without a terminal: `| stream | 0 | 0 | 0 | length u32 BE |` and the bytes.

use crate::log::Stream;

/// The 8 bytes before `length` bytes of output of one stream (Engine API v1.51 ContainerAttach).
#[must_use]
pub fn header(stream: Stream, length: u32) -> [u8; 8] {
    let [a, b, c, d] = length.to_be_bytes();
    let stream = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    [stream, 0, 0, 0, a, b, c, d]
}
