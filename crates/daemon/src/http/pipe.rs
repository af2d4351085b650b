//! Bridges between asynchronous bodies and blocking readers and writers (archives are read and
//! written on blocking threads). Both are bounded: a slow side makes the other wait.

use std::io::{self, BufRead as _};

use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::{Piece, STREAM_PIECES, drain};

/// Bytes that a [`StreamWriter`] gathers before it sends a piece.
const PIECE_BYTES: usize = 64 << 10;

/// A request's body as a blocking reader. A body cut short is an error of kind `UnexpectedEof`.
#[derive(Debug)]
pub struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl BodyReader {
    /// Reads `body` from a task of its own until the reader is dropped.
    #[must_use]
    pub fn new(body: Incoming) -> Self {
        let (sender, pieces) = mpsc::channel(STREAM_PIECES);
        tokio::spawn(pump(body, sender));
        Self {
            pieces,
            current: Bytes::new(),
        }
    }
}

async fn pump(mut body: Incoming, sender: mpsc::Sender<io::Result<Bytes>>) {
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => frame.into_data().map_err(|_| io::Error::other("trailers")),
            Err(_) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        };
        if piece.is_err() {
            drop(sender.send(piece).await);
            return;
        }
        if sender.send(piece).await.is_err() {
            // Refused half read: a client that still writes would find the connection closed, and no answer.
            return drain(&mut body).await;
        }
    }
}

impl io::Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = buffer.len().min(available.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl io::BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                None => break,
                Some(piece) => self.current = piece?,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, length: usize) {
        self.current.advance(length);
    }
}

/// A stream body as a blocking writer. Fails with `BrokenPipe` when the client has gone.
#[derive(Debug)]
pub struct StreamWriter {
    pieces: mpsc::Sender<Piece>,
    gathered: Vec<u8>,
}

impl StreamWriter {
    /// Writes into a stream body.
    #[must_use]
    pub fn new(pieces: mpsc::Sender<Piece>) -> Self {
        Self {
            pieces,
            gathered: Vec::with_capacity(PIECE_BYTES),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE_BYTES));
        self.pieces
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl io::Write for StreamWriter {
    /// Takes no more than fits: a piece that grew would be another allocation.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(PIECE_BYTES - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..length]);
        if self.gathered.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        // The rest is lost only with a client that is gone.
        drop(self.send());
    }
}
