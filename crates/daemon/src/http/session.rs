//! The session of a builder's client (`POST /session`): a connection on which the roles turn round. After the head
//! the daemon is the client of HTTP/2 (RFC 9113, prior knowledge) and the caller serves it: its files, secrets and
//! credentials, when a build asks for them.
//!
//! No build asks yet, so no stream is opened: the preface and the settings are exchanged, pings are answered, and
//! the connection is held until the caller leaves. Observed: dockerd 28.5 (the head, the preface, the 20 s).

use std::io;
use std::time::Duration;

use http::HeaderMap;
use http::header::UPGRADE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Failure, Wire};

/// The head that accepts the protocol.
const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/// The client's preface of HTTP/2, and settings that change nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// How long the caller has to send its settings.
const SETTINGS_LIMIT: Duration = Duration::from_secs(20);

/// Longest frame: nobody was allowed a longer one.
const FRAME_BYTES: usize = 16 << 10;

/// Length, kind, flags and stream.
const HEAD_BYTES: usize = 9;

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;

/// The flag of an answer to settings and pings.
const ACK: u8 = 1;

/// Judges what the caller asks for, in the words of Docker.
///
/// # Errors
/// No upgrade, or one to another protocol.
pub fn check(headers: &HeaderMap) -> Result<(), Failure> {
    let asked = headers
        .get(UPGRADE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    match asked.as_deref() {
        None | Some("") => Err(Failure::invalid("no upgrade proto in request")),
        Some("h2c") => Ok(()),
        Some(other) => Err(Failure::invalid(format!("protocol {other} not supported"))),
    }
}

/// Takes the connection, accepts the protocol and holds the session until the caller leaves.
///
/// # Errors
/// The caller is gone, has sent too much ahead, or does not speak HTTP/2.
pub async fn hold(wire: &Wire) -> io::Result<()> {
    let early = wire.take()?;
    // Any stream socket will do: nothing here asks for its address.
    let mut caller = UnixStream::from_std(std::os::unix::net::UnixStream::from(wire.descriptor()?))?;
    caller.write_all(HEAD).await?;
    caller.write_all(PREFACE).await?;
    let mut peer = Peer::default();
    let mut buffer = vec![0; FRAME_BYTES];
    let mut step = peer.push(&early);
    let greeting = tokio::time::sleep(SETTINGS_LIMIT);
    tokio::pin!(greeting);
    loop {
        caller.write_all(&step.answers).await?;
        if let Some(end) = step.end {
            return end.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why));
        }
        tokio::select! {
            read = caller.read(&mut buffer) => match read? {
                0 => return Ok(()),
                count => step = peer.push(buffer.get(..count).unwrap_or_default()),
            },
            () = &mut greeting, if !peer.greeted => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no settings came"));
            }
        }
    }
}

/// The caller's side of the connection, as far as it was read.
#[derive(Debug, Default)]
struct Peer {
    /// A frame that is not whole.
    unread: Vec<u8>,
    /// Whether its settings have come, which are its first frame.
    greeted: bool,
}

/// What some bytes of the caller lead to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    answers: Vec<u8>,
    /// The session is over: because the caller says so, or because of what is wrong.
    end: Option<Result<(), &'static str>>,
}

impl Peer {
    fn push(&mut self, bytes: &[u8]) -> Step {
        self.unread.extend_from_slice(bytes);
        let mut step = Step::default();
        while step.end.is_none() {
            let Some((head, rest)) = self.unread.split_first_chunk::<HEAD_BYTES>() else {
                break;
            };
            let [a, b, c, kind, flags, ..] = *head;
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if length > FRAME_BYTES {
                step.end = Some(Err("a frame is too long"));
                break;
            }
            let Some(content) = rest.get(..length) else { break };
            match (kind, flags & ACK) {
                (SETTINGS, 0) => {
                    self.greeted = true;
                    answer(SETTINGS, &[], &mut step.answers);
                }
                (SETTINGS, _) => {}
                _ if !self.greeted => step.end = Some(Err("the first frame has no settings")),
                (PING, 0) => answer(PING, content, &mut step.answers),
                (GO_AWAY, _) => step.end = Some(Ok(())),
                // Nothing was asked, so everything else is about streams that do not exist.
                _ => {}
            }
            self.unread.drain(..HEAD_BYTES + length);
        }
        step
    }
}

fn answer(kind: u8, content: &[u8], into: &mut Vec<u8>) {
    let length = u8::try_from(content.len()).unwrap_or_default();
    into.extend_from_slice(&[0, 0, length, kind, ACK, 0, 0, 0, 0]);
    into.extend_from_slice(content.get(..usize::from(length)).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PLAIN: [u8; 9] = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];

    #[test]
    fn only_its_protocol_is_accepted() {
        let judged = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(UPGRADE, HeaderValue::from_static(value));
            }
            check(&headers).map_err(|failure| failure.message)
        };
        assert_eq!(judged(Some("h2c")), Ok(()));
        assert_eq!(judged(None), Err("no upgrade proto in request".to_owned()));
        assert_eq!(judged(Some("foo")), Err("protocol foo not supported".to_owned()));
    }

    #[test]
    fn settings_and_pings_are_answered_however_they_are_cut() {
        let mut said = PLAIN.to_vec();
        said.extend([0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0]);
        said.extend([0, 0, 8, PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        said.extend([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let mut expected = vec![0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0];
        expected.extend([0, 0, 8, PING, ACK, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        for size in 1..=said.len() {
            let mut peer = Peer::default();
            let steps: Vec<Step> = said.chunks(size).map(|piece| peer.push(piece)).collect();
            assert!(steps.iter().all(|step| step.end.is_none()), "{size}");
            let answers: Vec<u8> = steps.into_iter().flat_map(|step| step.answers).collect();
            assert_eq!(answers, expected, "{size}");
        }
    }

    #[test]
    fn the_end_is_told_from_what_is_wrong() {
        let mut said = PLAIN.to_vec();
        said.extend([0, 0, 8, GO_AWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Peer::default().push(&said).end, Some(Ok(())));
        let ping = [0, 0, 8, PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(
            Peer::default().push(&ping).end,
            Some(Err("the first frame has no settings"))
        );
        assert_eq!(
            Peer::default().push(b"GET / HTTP/1.1\r\n").end,
            Some(Err("a frame is too long"))
        );
    }
}
