//! Archives that are made or taken apart on a thread of their own while they travel.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use corten_client::{Stream, Upload};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Bytes sent at once: larger ones would be mappings that are made and thrown away.
const CHUNK: usize = 64 << 10;
/// Pieces that wait while the other side is busy.
const DEPTH: usize = 16;

/// Where an archive is written to.
pub(crate) trait Sink: Write {
    /// Takes at most `limit` bytes (not 0) from where `file` is read next, without a copy in between; 0: it has no more.
    fn take_from(&mut self, file: &File, limit: u64) -> io::Result<usize>;
}

/// A body that `write` produces on a thread of its own while it is sent. `counter` grows with what was handed on; an
/// error of `write` breaks the request off.
pub(crate) fn upload_written(
    counter: Arc<AtomicU64>,
    write: impl FnOnce(&mut dyn Sink) -> io::Result<()> + Send + 'static,
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
        let length = bytes.len().min(CHUNK.saturating_sub(self.gathered.len()));
        self.gathered.extend_from_slice(&bytes[..length]);
        if self.gathered.len() >= CHUNK {
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

impl Sink for Pieces {
    fn take_from(&mut self, file: &File, limit: u64) -> io::Result<usize> {
        if self.gathered.len() == self.gathered.capacity() {
            self.flush()?;
        }
        let before = self.gathered.len();
        let read = loop {
            match rustix::io::read(file, spare_capacity(&mut self.gathered)) {
                Err(Errno::INTR) => {}
                read => break read?,
            }
        };
        // What the file has more than was asked for is read once more or not at all.
        let taken = read.min(usize::try_from(limit).unwrap_or(usize::MAX));
        self.gathered.truncate(before + taken);
        if self.gathered.len() >= CHUNK {
            self.flush()?;
        }
        Ok(taken)
    }
}

#[cfg(test)]
impl Sink for Vec<u8> {
    fn take_from(&mut self, file: &File, limit: u64) -> io::Result<usize> {
        file.take(limit.min(7)).read_to_end(self)
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

#[cfg(test)]
mod tests {
    use std::io::Seek as _;

    use super::*;

    /// Content of a file goes in its place, no more of it than is wanted, in pieces of one size.
    #[test]
    fn a_file_between_other_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..50_000u32).flat_map(u32::to_le_bytes).collect();
        file.write_all(&content).unwrap();
        file.rewind().unwrap();
        let (sender, mut pieces) = mpsc::channel(DEPTH);
        let counter = Arc::<AtomicU64>::default();
        let mut out = Pieces {
            sender,
            counter: Arc::clone(&counter),
            gathered: Vec::with_capacity(CHUNK),
        };
        out.write_all(b"before").unwrap();
        let mut left = 150_001;
        while left > 0 {
            left -= out.take_from(&file, left).unwrap() as u64;
        }
        out.write_all(&[7; 70_000]).unwrap();
        assert_eq!(out.take_from(&tempfile::tempfile().unwrap(), 9).unwrap(), 0);
        out.flush().unwrap();
        drop(out);
        let (mut all, mut lengths) = (Vec::new(), Vec::new());
        while let Some(piece) = pieces.blocking_recv() {
            let piece = piece.unwrap();
            lengths.push(piece.len());
            all.extend_from_slice(&piece);
        }
        assert!(all == [b"before", &content[..150_001], &[7; 70_000]].concat());
        assert_eq!(counter.load(Ordering::Relaxed), all.len() as u64);
        assert!(
            lengths.split_last().unwrap().1.iter().all(|length| *length == CHUNK),
            "{lengths:?}"
        );
    }
}
