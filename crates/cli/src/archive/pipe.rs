//! Archives that are made or taken apart on a thread of their own while they travel.

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use corten_client::{Stream, Upload};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Bytes sent at once: larger ones would be mappings that are made and thrown away.
const CHUNK: usize = 64 << 10;
/// Pieces that wait while the other side is busy.
const DEPTH: usize = 16;

/// A body that `write` produces on a thread of its own while it is sent. `counter` grows with what was handed on; an
/// error of `write` breaks the request off.
pub(crate) fn upload_written(
    counter: Arc<AtomicU64>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Upload {
    let (sender, upload) = Upload::channel(DEPTH);
    std::thread::spawn(move || {
        let mut out = Pieces {
            sender: sender.clone(),
            counter,
            gathered: Vec::with_capacity(CHUNK),
        };
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            // Nobody listens any more when the engine has refused: then its own words are what is shown.
            sender.blocking_send(Err(error)).ok();
        }
    });
    upload
}

struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    counter: Arc<AtomicU64>,
    gathered: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(CHUNK - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..length]);
        if self.gathered.len() == CHUNK {
            self.flush()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.gathered, Vec::with_capacity(CHUNK));
        let length = piece.len() as u64;
        if self.sender.blocking_send(Ok(piece.into())).is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.counter.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }
}

/// An answer's bytes, to be read without async.
#[derive(Debug)]
pub(crate) struct StreamReader {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    counter: Arc<AtomicU64>,
}

impl StreamReader {
    /// Lets `read` take the answer apart on a thread of its own. `counter` grows with what it has got. An error of
    /// the connection counts more than what `read` says of a stream that was cut short.
    pub(crate) async fn run(
        mut stream: Stream,
        counter: Arc<AtomicU64>,
        read: impl FnOnce(Self) -> Result<(), Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let (sender, pieces) = mpsc::channel(DEPTH);
        let reader = Self {
            pieces,
            piece: Bytes::new(),
            counter,
        };
        let reading = tokio::task::spawn_blocking(move || read(reader));
        let mut broken = None;
        loop {
            match stream.next().await {
                Ok(Some(piece)) => {
                    if sender.send(piece).await.is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        drop(sender);
        let read = reading.await.map_err(|error| Failure::new(error.to_string()))?;
        match broken {
            Some(error) => Err(error.into()),
            None => read,
        }
    }
}

impl Read for StreamReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(bytes.len());
        bytes[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for StreamReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => {
                    self.counter.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    self.piece = piece;
                }
                None => break,
            }
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, length: usize) {
        drop(self.piece.split_to(length));
    }
}
