//! As much HTTP/1.1 over a unix socket as tests of the API need, and no more: each request on a
//! connection of its own, so that a test can also leave half way.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// How long a connection may be silent. Longer than any wait of a test.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head, as sent.
    pub head: String,
    /// The body, without chunk marks.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Connects to the socket. Its path may be longer than a socket address can be.
pub fn connect(socket: &Path) -> Result<UnixStream> {
    let directory = File::open(socket.parent().context("a socket lies in a directory")?)?;
    let name = socket.file_name().context("a socket has a name")?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(SILENCE_LIMIT))?;
    Ok(stream)
}

/// Sends a request with an optional JSON body, and does not wait for the answer.
pub fn send(socket: &Path, method: &str, path: &str, body: &str, headers: &str) -> Result<UnixStream> {
    let mut stream = connect(socket)?;
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: corten\r\n{kind}{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    Ok(stream)
}

/// Sends a request and reads the whole answer.
pub fn request(socket: &Path, method: &str, path: &str, body: &str) -> Result<Answer> {
    let mut stream = send(socket, method, path, body, "Connection: close\r\n")?;
    let head = read_head(&mut stream)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .context("an answer has a status")?;
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunk(&bytes)?
    } else {
        bytes
    };
    Ok(Answer { status, head, body })
}

/// Reads the head of an answer up to its empty line, and not a byte more.
pub fn read_head(stream: &mut UnixStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        ensure!(
            stream.read(&mut byte)? == 1,
            "the connection closed after {:?}",
            String::from_utf8_lossy(&head)
        );
        head.push(byte[0]);
    }
    String::from_utf8(head).context("a head is text")
}

/// The payloads of Docker's 8-byte frames, standard output and error apart.
pub fn unframe(mut bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (payload, rest) = rest.split_at_checked(length).context("a frame is cut short")?;
        if head[0] == 2 {
            err.extend_from_slice(payload)
        } else {
            out.extend_from_slice(payload)
        }
        bytes = rest;
    }
    ensure!(bytes.is_empty(), "{} bytes of a frame's head at the end", bytes.len());
    Ok((out, err))
}

fn unchunk(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes
            .windows(2)
            .position(|two| two == b"\r\n")
            .context("a chunk has a size line")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end])?.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let (chunk, rest) = bytes[end + 2..]
            .split_at_checked(size)
            .context("a chunk is cut short")?;
        body.extend_from_slice(chunk);
        bytes = rest.strip_prefix(b"\r\n").context("a chunk ends with an empty line")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_chunks_and_frames_apart() {
        assert_eq!(unchunk(b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").unwrap(), b"abcd");
        assert!(unchunk(b"5\r\nabc").is_err());
        let (out, err) = unframe(b"\x01\0\0\0\0\0\0\x02hi\x02\0\0\0\0\0\0\x01e").unwrap();
        assert_eq!((out.as_slice(), err.as_slice()), (b"hi".as_slice(), b"e".as_slice()));
        assert!(unframe(b"\x01\0\0\0\0\0\0\x09hi").is_err());
    }
}
