//! The WebSocket protocol (RFC 6455), as much of it as an attached container needs: the handshake, frames in both
//! directions, and a relay between a client and a socket of raw bytes.
//!
//! What the client sends is passed on as it comes, whatever the lengths of its frames; what goes to it is a frame
//! per read. Each direction waits for its reader. Observed: dockerd 28.5 (golang.org/x/net/websocket).

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::Wire;

/// Bytes of a container's output that become one frame.
const READ_BYTES: usize = 32 << 10;

/// Longest ping, as the protocol has it.
const CONTROL_BYTES: usize = 125;

/// Pongs that may wait while output is on its way.
const PONGS: usize = 8;

/// How long the client has to answer that the connection ends.
const FAREWELL: Duration = Duration::from_secs(2);

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Why a connection ends: well, or for a frame that must not be.
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;

/// What a client without the protocol is told; there are no headers.
pub const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\nnot websocket protocol";

/// What output travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Before API 1.28.
    Text,
    /// Since then.
    Binary,
}

/// The head that accepts the protocol; `None` if it was not asked for.
#[must_use]
pub fn handshake(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let upgrade = text("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let connection = text("connection").is_some_and(|value| value.to_ascii_lowercase().contains("upgrade"));
    let key = text("sec-websocket-key").filter(|key| !key.is_empty())?;
    let versions = headers.get_all("sec-websocket-version");
    if !upgrade || !connection || !versions.iter().any(|version| version.as_bytes() == b"13") {
        return None;
    }
    // One protocol that is asked for is agreed to, whatever it is; of several none is.
    let protocol = text("sec-websocket-protocol").filter(|names| !names.contains(','));
    let protocol = protocol.map(|name| format!("Sec-WebSocket-Protocol: {}\r\n", name.trim()));
    Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{}\r\n",
        accept(key),
        protocol.unwrap_or_default()
    ))
}

/// The answer to a client's key (RFC 6455, 4.2.2).
fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(ring::digest::digest(
        &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
        text.as_bytes(),
    ))
}

/// What a client's bytes mean.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Data(&'a [u8]),
    Ping(&'a [u8]),
    Close,
    Wrong,
}

/// Where in a frame a client's stream is.
#[derive(Debug, Default)]
struct Decoder {
    /// A head that is not whole.
    head: Vec<u8>,
    frame: Option<Frame>,
    control: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: u8,
    mask: [u8; 4],
    left: u64,
    passed: usize,
}

impl Decoder {
    /// Hands on what `bytes`, which are unmasked in place, complete; stops when told so (false).
    fn push(&mut self, mut bytes: &mut [u8], mut take: impl FnMut(Piece<'_>) -> bool) -> bool {
        loop {
            let Some(frame) = &mut self.frame else {
                let Some((byte, rest)) = bytes.split_first_mut() else {
                    return true;
                };
                self.head.push(*byte);
                bytes = rest;
                match begin(&self.head) {
                    Head::Short => {}
                    Head::Wrong => {
                        take(Piece::Wrong);
                        return false;
                    }
                    Head::Whole(frame) => {
                        self.head.clear();
                        self.control.clear();
                        self.frame = Some(frame);
                    }
                }
                continue;
            };
            let length = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
            let (content, rest) = bytes.split_at_mut(length);
            for byte in content.iter_mut() {
                *byte ^= frame.mask[frame.passed % 4];
                frame.passed = frame.passed.wrapping_add(1);
            }
            frame.left -= length as u64;
            let (kind, is_whole) = (frame.kind, frame.left == 0);
            let goes_on = match kind {
                CLOSE | PING | PONG => {
                    self.control.extend_from_slice(content);
                    match kind {
                        PING if is_whole => take(Piece::Ping(&self.control)),
                        CLOSE if is_whole => take(Piece::Close),
                        _ => true,
                    }
                }
                _ => content.is_empty() || take(Piece::Data(content)),
            };
            if is_whole {
                self.frame = None;
            }
            if !goes_on {
                return false;
            }
            bytes = rest;
            if bytes.is_empty() {
                return true;
            }
        }
    }
}

enum Head {
    Short,
    Whole(Frame),
    Wrong,
}

/// Reads a frame's head: kind, length, mask. A client must mask.
fn begin(head: &[u8]) -> Head {
    let [first, second, rest @ ..] = head else {
        return Head::Short;
    };
    let kind = first & 0x0f;
    let is_known = matches!(kind, 0 | TEXT | BINARY | CLOSE | PING | PONG);
    let (extra, short) = match second & 0x7f {
        126 => (2, 0),
        127 => (8, 0),
        length => (0, u64::from(length)),
    };
    let is_control_too_long = kind >= CLOSE && (extra > 0 || short as usize > CONTROL_BYTES || first & 0x80 == 0);
    if second & 0x80 == 0 || !is_known || first & 0x70 != 0 || is_control_too_long {
        return Head::Wrong;
    }
    let Some((length, mask)) = rest.split_at_checked(extra) else {
        return Head::Short;
    };
    let Ok(mask) = <[u8; 4]>::try_from(mask) else {
        return Head::Short;
    };
    let left = length.iter().fold(short, |value, byte| value << 8 | u64::from(*byte));
    if left > i64::MAX as u64 {
        return Head::Wrong;
    }
    Head::Whole(Frame {
        kind,
        mask,
        left,
        passed: 0,
    })
}

/// A frame of the server: whole, not masked.
fn encode(kind: u8, content: &[u8], to: &mut Vec<u8>) {
    to.push(0x80 | kind);
    match (u8::try_from(content.len()), u16::try_from(content.len())) {
        (Ok(length), _) if usize::from(length) <= CONTROL_BYTES => to.push(length),
        (_, Ok(length)) => {
            to.push(126);
            to.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            to.push(127);
            to.extend_from_slice(&(content.len() as u64).to_be_bytes());
        }
    }
    to.extend_from_slice(content);
}

/// Takes the connection of the request in progress and accepts the protocol with `head`.
///
/// # Errors
/// The client is gone, or has sent too much ahead.
pub async fn accept_with(wire: &Wire, head: &[u8]) -> io::Result<Vec<u8>> {
    let early = wire.take()?;
    wire.write_all(head).await?;
    Ok(early)
}

/// Passes bytes between a client whose connection was taken and a socket, until one of them ends. The client is told
/// so, and may answer.
///
/// # Errors
/// The client is gone.
pub async fn relay(wire: &Wire, early: Vec<u8>, other: UnixStream, message: Message) -> io::Result<()> {
    // Any stream socket will do: nothing here asks for its address.
    let client = UnixStream::from_std(std::os::unix::net::UnixStream::from(wire.descriptor()?))?;
    let (from_client, mut to_client) = client.into_split();
    let (from_other, to_other) = other.into_split();
    let (pongs, waiting) = mpsc::channel(PONGS);
    let mut incoming = Incoming {
        client: from_client,
        other: to_other,
        pongs,
    };
    let why = tokio::select! {
        why = incoming.run(early) => why,
        sent = outgoing(from_other, &mut to_client, waiting, message) => sent.map(|()| NORMAL)?,
    };
    let mut farewell = Vec::new();
    encode(CLOSE, &why.to_be_bytes(), &mut farewell);
    to_client.write_all(&farewell).await?;
    to_client.shutdown().await?;
    // Closing with unread bytes would reset the connection, and lose what the client has not read.
    let rest = async { while incoming.client.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {} };
    drop(tokio::time::timeout(FAREWELL, rest).await);
    Ok(())
}

struct Incoming {
    client: OwnedReadHalf,
    other: OwnedWriteHalf,
    pongs: mpsc::Sender<Vec<u8>>,
}

impl Incoming {
    /// Returns how the connection is to be closed.
    async fn run(&mut self, mut bytes: Vec<u8>) -> u16 {
        let mut decoder = Decoder::default();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let (mut data, mut pings, mut end) = (Vec::new(), Vec::new(), None);
            decoder.push(&mut bytes, |piece| {
                match piece {
                    Piece::Data(content) => data.extend_from_slice(content),
                    Piece::Ping(content) => pings.push(content.to_vec()),
                    Piece::Close => end = Some(NORMAL),
                    Piece::Wrong => end = Some(PROTOCOL_ERROR),
                }
                end.is_none()
            });
            for ping in pings {
                // One that cannot wait is not answered: others are on their way.
                drop(self.pongs.try_send(ping));
            }
            if !data.is_empty() && self.other.write_all(&data).await.is_err() {
                // Nobody reads any more; the other direction knows when it is over.
                return std::future::pending().await;
            }
            if let Some(why) = end {
                return why;
            }
            match self.client.read(&mut buffer).await {
                Ok(count @ 1..) => bytes = buffer.get(..count).unwrap_or_default().to_vec(),
                Ok(_) | Err(_) => return NORMAL,
            }
        }
    }
}

async fn outgoing(
    mut other: OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    mut pongs: mpsc::Receiver<Vec<u8>>,
    message: Message,
) -> io::Result<()> {
    let kind = match message {
        Message::Text => TEXT,
        Message::Binary => BINARY,
    };
    let (mut buffer, mut frame) = (vec![0; READ_BYTES], Vec::new());
    loop {
        tokio::select! {
            read = other.read(&mut buffer) => match read {
                Ok(count @ 1..) => encode(kind, buffer.get(..count).unwrap_or_default(), &mut frame),
                // A container that has ended resets what it has not read.
                Ok(_) | Err(_) => return Ok(()),
            },
            Some(content) = pongs.recv() => encode(PONG, &content, &mut frame),
        }
        client.write_all(&frame).await?;
        frame.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        encode(kind, content, &mut frame);
        let head = frame.len() - content.len();
        frame[1] |= 0x80;
        let mask = [1, 2, 3, 4];
        frame.splice(head..head, mask);
        for (index, byte) in frame[head + 4..].iter_mut().enumerate() {
            *byte ^= mask[index % 4];
        }
        frame
    }

    /// What is said, byte by byte or at once.
    fn decoded(bytes: &[u8], step: usize) -> String {
        let (mut said, mut decoder) = (String::new(), Decoder::default());
        for part in bytes.chunks(step) {
            decoder.push(&mut part.to_vec(), |piece| {
                match piece {
                    Piece::Data(content) => said.push_str(&String::from_utf8_lossy(content)),
                    Piece::Ping(content) => said.push_str(&format!("[ping {}]", String::from_utf8_lossy(content))),
                    Piece::Close => said.push_str("[close]"),
                    Piece::Wrong => said.push_str("[wrong]"),
                }
                true
            });
        }
        said
    }

    #[test]
    fn frames_of_clients() {
        let long = "x".repeat(70_000);
        let bytes = [
            masked(BINARY, b"ab"),
            masked(PING, b"hi"),
            masked(TEXT, b""),
            masked(TEXT, &long.as_bytes()[..300]),
            masked(BINARY, long.as_bytes()),
            masked(PING, b""),
            masked(CLOSE, b"\x03\xe8"),
        ]
        .concat();
        let want = format!("ab[ping hi]{}{long}[ping ][close]", &long[..300]);
        for step in [1, 7, bytes.len()] {
            assert_eq!(decoded(&bytes, step), want, "{step}");
        }
    }

    #[test]
    fn wrong_frames_end_it() {
        let mut unmasked = Vec::new();
        encode(TEXT, b"a", &mut unmasked);
        assert_eq!(decoded(&unmasked, unmasked.len()), "[wrong]");
        for wrong in [
            &[0x83, 0x80, 0, 0, 0, 0][..],
            &[0xc1, 0x80],
            &[0x89, 0xfe],
            &[0x09, 0x80],
        ] {
            assert!(decoded(wrong, wrong.len()).starts_with("[wrong]"), "{wrong:?}");
        }
        assert!(decoded(&[0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4], 1).starts_with("[wrong]"));
    }

    #[test]
    fn handshakes() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            };
            pairs.iter().map(pair).collect()
        };
        let usual = [
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "abc"),
        ];
        let head = handshake(&headers(&usual)).unwrap();
        // The example of RFC 6455, 1.3.
        assert!(
            head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{head}"
        );
        assert!(head.ends_with("\r\nSec-WebSocket-Protocol: abc\r\n\r\n"), "{head}");
        for missing in 0..4 {
            let mut pairs = usual.to_vec();
            pairs.remove(missing);
            assert_eq!(handshake(&headers(&pairs)), None);
        }
    }
}
