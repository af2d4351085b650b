//! Archives on their way to a client: on a connection that was taken, so that the content of files goes from the page
//! cache to the socket without passing through this process.
//!
//! Everything is sent in chunks (RFC 9112, 7.1), to clients of HTTP/1.0 as it is. Only [`Transfer::finish`] sends the
//! last chunk: whoever reads an archive that was cut short knows. The connection ends with the archive.

use std::io::{self, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use corten_engine::files::Sink;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::{Wire, answer};

/// Bytes gathered before they are sent.
const GATHERED_BYTES: usize = 64 << 10;

/// Content of less than this is copied: a chunk of its own would cost more.
const DIRECT_BYTES: usize = 16 << 10;

/// The line with a chunk's size: eight digits.
const SIZE_BYTES: usize = 10;

/// An answer that is being sent. Dropped before its end, it ends the connection.
#[derive(Debug)]
pub struct Transfer {
    wire: Wire,
    chunked: bool,
}

/// Writes an answer's body, on a thread that may block. Fails when the client has gone.
#[derive(Debug)]
pub struct TransferWriter {
    socket: OwnedFd,
    chunked: bool,
    /// Not sent yet, behind room for the line with its size.
    gathered: Vec<u8>,
}

impl Transfer {
    /// Takes the connection and writes the head of an answer 200; `header`: lines of it besides the usual ones.
    ///
    /// # Errors
    /// The client is gone, or has sent too much ahead.
    pub async fn begin(wire: Wire, protocol: http::Version, content_type: &str, header: &str) -> io::Result<Self> {
        // What was sent behind the request is lost, as the head says.
        wire.take()?;
        let chunked = protocol >= http::Version::HTTP_11;
        let encoding = if chunked { "Transfer-Encoding: chunked\r\n" } else { "" };
        let signature = answer::signature();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{header}{signature}{encoding}Connection: close\r\n\r\n"
        );
        let begun = Self { wire, chunked };
        begun.wire.write_all(head.as_bytes()).await?;
        Ok(begun)
    }

    /// Where the body goes in. What was written is sent when it is flushed.
    ///
    /// # Errors
    /// No descriptor is free.
    pub fn writer(&self) -> io::Result<TransferWriter> {
        let mut gathered = Vec::with_capacity(SIZE_BYTES + GATHERED_BYTES + 2);
        gathered.resize(SIZE_BYTES, 0);
        Ok(TransferWriter {
            socket: self.wire.descriptor()?,
            chunked: self.chunked,
            gathered,
        })
    }

    /// All was written.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn finish(self) -> io::Result<()> {
        match self.chunked {
            true => self.wire.write_all(b"0\r\n\r\n").await,
            false => Ok(()),
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.wire.end();
    }
}

impl TransferWriter {
    /// Sends what was gathered, as a chunk.
    fn send(&mut self) -> io::Result<()> {
        let length = self.gathered.len() - SIZE_BYTES;
        if length == 0 {
            return Ok(());
        }
        if self.chunked {
            self.gathered[..SIZE_BYTES].copy_from_slice(format!("{length:08x}\r\n").as_bytes());
            self.gathered.extend_from_slice(b"\r\n");
            self.all(&self.gathered)?;
        } else {
            self.all(&self.gathered[SIZE_BYTES..])?;
        }
        self.gathered.truncate(SIZE_BYTES);
        Ok(())
    }

    fn all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.attempt(|socket| rustix::io::write(socket, bytes))?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Tries until something was sent. The socket does not block, as others wait for it too.
    fn attempt(&self, mut send: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<usize>) -> io::Result<usize> {
        loop {
            match send(self.socket.as_fd()) {
                Err(Errno::AGAIN) => {
                    let mut writable = [PollFd::new(&self.socket, PollFlags::OUT)];
                    match rustix::event::poll(&mut writable, None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(Errno::INTR) => {}
                sent => return Ok(sent?),
            }
        }
    }

    /// Sends from the file itself; how much it had.
    fn direct(&self, file: BorrowedFd<'_>, mut offset: u64, length: usize) -> io::Result<usize> {
        let mut left = length;
        while left > 0 {
            match self.attempt(|socket| rustix::fs::sendfile(socket, file, Some(&mut offset), left))? {
                0 => break,
                sent => left -= sent,
            }
        }
        Ok(length - left)
    }
}

impl Write for TransferWriter {
    /// Takes no more than fits: a buffer that grew would be another allocation.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = SIZE_BYTES + GATHERED_BYTES - self.gathered.len();
        let length = bytes.len().min(room);
        self.gathered.extend_from_slice(&bytes[..length]);
        if length == room {
            self.send()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl Sink for TransferWriter {
    fn take(&mut self, file: BorrowedFd<'_>, offset: u64, length: usize) -> io::Result<bool> {
        if length < DIRECT_BYTES {
            return Ok(false);
        }
        self.send()?;
        if self.chunked {
            self.all(format!("{length:x}\r\n").as_bytes())?;
        }
        let mut lacking = length - self.direct(file, offset, length)?;
        while lacking > 0 {
            let zeros = [0; 4096];
            let some = lacking.min(zeros.len());
            self.all(&zeros[..some])?;
            lacking -= some;
        }
        if self.chunked {
            self.all(b"\r\n")?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::http::Socket;

    /// What a client reads of a transfer of `write`, without its head; `finish` whether it was finished.
    async fn read(
        protocol: http::Version,
        finish: bool,
        write: impl FnOnce(&mut TransferWriter) -> io::Result<()> + Send + 'static,
    ) -> Vec<u8> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).map(|_| all)
        });
        let wire = Wire::new(Socket::Unix(tokio::net::UnixStream::from_std(ours).unwrap()));
        let transfer = Transfer::begin(wire, protocol, "x/y", "A: b\r\n").await.unwrap();
        let mut writer = transfer.writer().unwrap();
        let written = tokio::task::spawn_blocking(move || write(&mut writer).and_then(|()| writer.flush()));
        written.await.unwrap().unwrap();
        if finish {
            transfer.finish().await.unwrap();
        } else {
            drop(transfer);
        }
        let all = tokio::task::spawn_blocking(|| reading.join().unwrap().unwrap());
        let all = all.await.unwrap();
        let head = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let text = String::from_utf8(all[..head].to_vec()).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nA: b\r\n"),
            "{text}"
        );
        assert_eq!(text.contains("chunked"), protocol == http::Version::HTTP_11, "{text}");
        all[head..].to_vec()
    }

    fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let line = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
            let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
            if size == 0 {
                assert_eq!(&bytes[line..], b"\r\n\r\n");
                return (all, true);
            }
            all.extend_from_slice(&bytes[line + 2..][..size]);
            assert_eq!(&bytes[line + 2 + size..][..2], b"\r\n");
            bytes = &bytes[line + 2 + size + 2..];
        }
        (all, false)
    }

    /// A file, and a transfer of bytes around it that says the file has `length`.
    fn around(
        length: usize,
    ) -> (
        Vec<u8>,
        impl FnOnce(&mut TransferWriter) -> io::Result<()> + Send + 'static,
    ) {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
        file.write_all(&content).unwrap();
        file.rewind().unwrap();
        let mut expected = b"before".to_vec();
        let has = length.min(content.len() - 8);
        expected.extend_from_slice(&content[8..8 + has]);
        expected.resize(expected.len() + length - has, 0);
        expected.extend_from_slice(&[7; 100_000]);
        (expected, move |writer| {
            writer.write_all(b"before")?;
            assert!(writer.take(file.as_fd(), 8, length)?);
            writer.write_all(&[7; 100_000])
        })
    }

    #[tokio::test]
    async fn bytes_and_files_arrive_in_order() {
        for length in [DIRECT_BYTES, 3_000_000, 5_000_000] {
            let (expected, write) = around(length);
            let body = read(http::Version::HTTP_11, true, write).await;
            let (all, ended) = unchunk(&body);
            assert!(ended && all == expected, "{length}");
            let (expected, write) = around(length);
            assert!(read(http::Version::HTTP_10, true, write).await == expected, "{length}");
        }
    }

    #[tokio::test]
    async fn an_end_before_the_end_shows() {
        let (expected, write) = around(20_000);
        let body = read(http::Version::HTTP_11, false, write).await;
        assert_eq!(unchunk(&body), (expected, false));
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_noticed() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let wire = Wire::new(Socket::Unix(tokio::net::UnixStream::from_std(ours).unwrap()));
        let transfer = Transfer::begin(wire, http::Version::HTTP_11, "x/y", "").await.unwrap();
        let mut writer = transfer.writer().unwrap();
        let (_, write) = around(5_000_000);
        let writing = tokio::task::spawn_blocking(move || write(&mut writer));
        drop(theirs);
        let error = writing.await.unwrap().unwrap_err();
        assert!(matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        ));
    }
}
