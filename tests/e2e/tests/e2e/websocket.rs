//! Attach over a WebSocket, by a client of a few lines: frames that are masked as the protocol asks.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, Result, bail, ensure};
use corten_e2e::{Case, LIMIT, one};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

struct WebSocket(UnixStream);

impl WebSocket {
    /// Asks for the protocol; the status line if it is refused.
    fn open(case: &Case, path: &str) -> Result<Result<Self, String>> {
        let mut stream = UnixStream::connect(case.daemon.socket_outside())?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let head = String::from_utf8(head)?;
        if head.starts_with("HTTP/1.1 101 ") {
            ensure!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
            return Ok(Ok(Self(stream)));
        }
        Ok(Err(head.lines().next().unwrap_or_default().to_owned()))
    }

    fn send(&mut self, kind: u8, content: &[u8]) -> Result<()> {
        let mask = [7, 11, 13, 17];
        let length = u8::try_from(content.len())?;
        let masked = content.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let frame: Vec<u8> = [0x80 | kind, 0x80 | length]
            .into_iter()
            .chain(mask)
            .chain(masked)
            .collect();
        Ok(self.0.write_all(&frame)?)
    }

    fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length)?;
                u16::from_be_bytes(length).into()
            }
            127 => bail!("longer than expected"),
            length => u64::from(length),
        };
        let mut content = vec![0; usize::try_from(length)?];
        self.0.read_exact(&mut content)?;
        Ok((head[0] & 0x0f, content))
    }

    /// All output up to the closing frame, whose reason must be the normal one.
    fn until_closed(&mut self, kind: u8) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match self.receive()? {
                (CLOSE, reason) => {
                    ensure!(reason == 1000_u16.to_be_bytes(), "{reason:?}");
                    return Ok(all);
                }
                (got, content) => {
                    ensure!(got == kind, "a frame of kind {got}");
                    all.extend(content);
                }
            }
        }
    }
}

#[test]
fn attach_over_a_websocket() -> Result<()> {
    one(&["busybox"], |case| {
        let talk = "busybox sh -c 'echo out; echo err >&2; read x; echo got $x'";
        let all = "logs=1&stream=1&stdin=1&stdout=1&stderr=1";
        for (version, kind) in [("1.27", TEXT), ("1.28", BINARY), ("1.51", BINARY)] {
            case.ok(&format!("create -i --name talk {talk}"))?;
            let path = format!("/v{version}/containers/talk/attach/ws?{all}");
            let mut client = WebSocket::open(case, &path)?.map_err(anyhow::Error::msg)?;
            case.ok("start talk")?;
            client.send(PING, b"hi")?;
            client.send(TEXT, b"hel")?;
            client.send(BINARY, b"lo\n")?;
            let mut said = Vec::new();
            // The answer to the ping comes when it likes.
            while !said.ends_with(b"\x0a") || !String::from_utf8_lossy(&said).contains("got") {
                match client.receive().context("the container's output")? {
                    (PONG, content) => ensure!(content == b"hi", "{content:?}"),
                    (got, content) => {
                        ensure!(got == kind, "a frame of kind {got}");
                        said.extend(content);
                    }
                }
            }
            ensure!(client.until_closed(kind)?.is_empty(), "more than expected");
            let said = String::from_utf8(said)?;
            let mut lines: Vec<&str> = said.lines().collect();
            lines.sort_unstable();
            ensure!(lines == ["err", "got hello", "out"], "{said}");
            // The log alone.
            let path = format!("/v{version}/containers/talk/attach/ws?logs=1&stdout=1");
            let mut client = WebSocket::open(case, &path)?.map_err(anyhow::Error::msg)?;
            let log = client.until_closed(kind)?;
            let log = String::from_utf8(log)?;
            // Older clients get all streams, whichever they name.
            ensure!(log.contains("err") == (version != "1.51"), "{log}");
            ensure!(log.contains("out\n") && log.contains("got hello\n"), "{log}");
            case.ok("rm talk")?;
        }
        Ok(())
    })
}

#[test]
fn websockets_are_refused_and_left_in_order() -> Result<()> {
    one(&["busybox"], |case| {
        let refused = WebSocket::open(case, "/containers/none/attach/ws?stream=1")?.err();
        ensure!(refused.as_deref() == Some("HTTP/1.1 404 Not Found"), "{refused:?}");
        case.ok("run -dit --name shell busybox sh")?;
        let (status, text) = case.api("GET", "/containers/shell/attach/ws?stream=1", "")?;
        ensure!(
            (status, text.as_str()) == (400, "not websocket protocol"),
            "{status} {text}"
        );
        let path = "/containers/shell/attach/ws?stream=1&stdin=1&stdout=1";
        // Detach keys end the attachment, a closing frame does, an unmasked frame does: the container goes on.
        for (kind, content) in [(BINARY, &b"\x10\x11"[..]), (CLOSE, b"\x03\xe8")] {
            let mut client = WebSocket::open(case, path)?.map_err(anyhow::Error::msg)?;
            client.send(kind, content)?;
            client.until_closed(BINARY)?;
        }
        // Keys of one's own, and the usual ones are none then.
        let mut client = WebSocket::open(case, &format!("{path}&detachKeys=~"))?.map_err(anyhow::Error::msg)?;
        client.send(BINARY, b"\x10\x11echo $((6*7))\n")?;
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains("42") {
            shown.extend(client.receive()?.1);
        }
        client.send(BINARY, b"~")?;
        client.until_closed(BINARY)?;
        let mut client = WebSocket::open(case, path)?.map_err(anyhow::Error::msg)?;
        client.0.write_all(&[0x81, 1, b'x'])?;
        loop {
            let (kind, content) = client.receive()?;
            if kind == CLOSE {
                ensure!(content == 1002_u16.to_be_bytes(), "{content:?}");
                break;
            }
        }
        case.ok("pause shell")?;
        let refused = WebSocket::open(case, path)?.err();
        ensure!(refused.as_deref() == Some("HTTP/1.1 409 Conflict"), "{refused:?}");
        case.ok("unpause shell")?;
        case.says("inspect -f {{.State.Running}} shell", "true")?;
        case.ok("rm -f shell")?;
        Ok(())
    })
}
