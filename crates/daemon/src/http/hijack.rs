//! Hijacking: after the head, attach and exec use the connection as a raw two-way pipe.
//!
//! With an `Upgrade` header the head is `101 UPGRADED`, without it `200 OK` (clients before 2015, and
//! `curl`). Bytes that came behind the request are the first input.

use std::io;
use std::os::fd::OwnedFd;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::{Wire, answer};

/// What follows the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Bytes of a terminal.
    Raw,
    /// Frames, and the client knows the label for them (API 1.42).
    Multiplexed,
}

/// A connection that now belongs to the caller.
#[derive(Debug)]
pub struct Hijacked {
    /// The connection.
    pub connection: OwnedFd,
    /// What the client has sent behind its request.
    pub early_input: Vec<u8>,
    /// To write on it before it is handed on.
    pub wire: Wire,
}

/// Takes the connection of the request in progress, whose body has been read, and writes the head.
///
/// # Errors
/// The client is gone.
pub async fn hijack(wire: Wire, headers: &HeaderMap, upgrade: bool, framing: Framing) -> io::Result<Hijacked> {
    let early_input = after_request(&wire.take(), headers);
    wire.write_all(head(upgrade, framing).as_bytes()).await?;
    let connection = wire.descriptor()?;
    Ok(Hijacked {
        connection,
        early_input,
        wire,
    })
}

fn head(upgrade: bool, framing: Framing) -> String {
    let content_type = match framing {
        Framing::Raw => answer::RAW_STREAM,
        Framing::Multiplexed => answer::MULTIPLEXED_STREAM,
    };
    if upgrade {
        let signature = answer::signature();
        format!(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: {content_type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n{signature}\r\n"
        )
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {}\r\n\r\n", answer::RAW_STREAM)
    }
}

/// What follows the request whose bytes begin `read`: behind its head and its body.
fn after_request(read: &[u8], headers: &HeaderMap) -> Vec<u8> {
    let Some(head) = find(read, b"\r\n\r\n") else {
        return Vec::new();
    };
    let rest = &read[head + 4..];
    let chunked = headers
        .get(TRANSFER_ENCODING)
        .is_some_and(|value| value.as_bytes().ends_with(b"chunked"));
    let body = if chunked {
        chunked_length(rest)
    } else {
        Some(content_length(headers))
    };
    body.and_then(|length| rest.get(length..)).unwrap_or_default().to_vec()
}

fn content_length(headers: &HeaderMap) -> usize {
    let value = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// How many bytes a chunked body takes, its end included.
fn chunked_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = find(bytes.get(at..)?, b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        at = at.checked_add(line + 2)?.checked_add(size)?;
        if size == 0 {
            // Trailers, if any, end with an empty line as the body does.
            let rest = bytes.get(at..)?;
            return Some(
                at + if rest.starts_with(b"\r\n") {
                    2
                } else {
                    find(rest, b"\r\n\r\n")? + 4
                },
            );
        }
        at = at.checked_add(2)?;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn after(read: &str, name: http::HeaderName, value: &'static str) -> String {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        String::from_utf8(after_request(read.as_bytes(), &headers)).unwrap()
    }

    #[test]
    fn input_behind_the_request_is_found() {
        let after_length = |read, length| after(read, CONTENT_LENGTH, length);
        assert_eq!(after_length("POST / HTTP/1.1\r\nA: b\r\n\r\nhello", "0"), "hello");
        assert_eq!(after_length("POST / HTTP/1.1\r\nA: b\r\n\r\n{}hello", "2"), "hello");
        assert_eq!(after_length("POST / HTTP/1.1\r\nA: b\r\n\r\n{", "2"), "");
        assert_eq!(after_length("POST / HTTP", "0"), "");
    }

    #[test]
    fn input_behind_a_chunked_body_is_found() {
        let after_chunks = |body: &str| after(&format!("P / HTTP/1.1\r\n\r\n{body}"), TRANSFER_ENCODING, "chunked");
        assert_eq!(after_chunks("2\r\n{}\r\n0\r\n\r\nhello"), "hello");
        assert_eq!(after_chunks("1;x=y\r\n{\r\n1\r\n}\r\n0\r\nT: r\r\n\r\nhello"), "hello");
        assert_eq!(after_chunks("0\r\n\r\n"), "");
        for bad in ["2\r\n{}", "zz\r\n", "ffffffffffffffff\r\n", ""] {
            assert_eq!(after_chunks(bad), "", "{bad}");
        }
    }
}
