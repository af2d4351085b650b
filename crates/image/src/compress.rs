//! Compressed streams: what they begin with, and reading through them. Several gzip, bzip2, xz or zstd streams one
//! after the other read as one.

use std::io::{self, BufRead, BufReader, Read};

use corten_base::Digest;
use sha2::Digest as _;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

/// Output that no honest layer has per byte of input: the best of gzip is 1,032, of xz on zeros about 7,000.
const RATIO_MAX: u64 = 10_000;
/// Output below which the ratio does not count.
const RATIO_FREE_BYTES: u64 = 256 << 20;
/// Memory that an xz stream may ask for: `xz -9` needs 65 MiB. Zstandard's own limit is 128 MiB.
const XZ_MEMORY_BYTES: u64 = 128 << 20;
/// Read from the source at a time.
const BUFFER_BYTES: usize = 256 << 10;

impl Compression {
    /// By the first bytes of a stream.
    pub(crate) fn of(start: &[u8]) -> Self {
        let zstd_skippable = start.len() >= 4 && start[0] & 0xf0 == 0x50 && start[1..4] == [0x2a, 0x4d, 0x18];
        if start.starts_with(&[0x1f, 0x8b, 8]) {
            Self::Gzip
        } else if start.starts_with(b"BZh") {
            Self::Bzip2
        } else if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Self::Xz
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || zstd_skippable {
            Self::Zstd
        } else {
            Self::Plain
        }
    }

    /// The plain content of `source`.
    pub(crate) fn reader<'a, R: Read + 'a>(self, source: R) -> io::Result<Box<dyn BufRead + 'a>> {
        let counted = BufReader::with_capacity(BUFFER_BYTES, source);
        if self == Self::Plain {
            return Ok(Box::new(counted));
        }
        let (input, count) = Counted::new(counted);
        let plain: Box<dyn Read + 'a> = match self {
            Self::Plain => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Self::Xz => {
                let concatenated = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, concatenated)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(input)?),
        };
        let bounded = Bounded {
            plain,
            input_bytes: count,
            output_bytes: 0,
        };
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, bounded)))
    }
}

/// Counts what is read of the compressed side.
struct Counted<R> {
    inner: R,
    bytes: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R> Counted<R> {
    fn new(inner: R) -> (Self, std::rc::Rc<std::cell::Cell<u64>>) {
        let bytes = std::rc::Rc::default();
        (
            Self {
                inner,
                bytes: std::rc::Rc::clone(&bytes),
            },
            bytes,
        )
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.bytes.set(self.bytes.get() + length as u64);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.set(self.bytes.get() + amount as u64);
        self.inner.consume(amount);
    }
}

/// Stops where the output is out of all proportion to the input.
struct Bounded<'a> {
    plain: Box<dyn Read + 'a>,
    input_bytes: std::rc::Rc<std::cell::Cell<u64>>,
    output_bytes: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.plain.read(into)?;
        self.output_bytes += length as u64;
        if self.output_bytes > RATIO_FREE_BYTES && self.output_bytes / RATIO_MAX > self.input_bytes.get() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "compressed data expands out of all proportion",
            ));
        }
        Ok(length)
    }
}

/// Digests what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hash: sha2::Sha256,
    bytes: u64,
}

impl<R: BufRead> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            hash: sha2::Sha256::new(),
            bytes: 0,
        }
    }

    /// Reads the rest; the digest and length of all there was.
    pub(crate) fn finish(mut self) -> io::Result<(Digest, u64)> {
        drain(&mut self)?;
        Ok((Digest::from_bytes(self.hash.finalize().into()), self.bytes))
    }
}

impl<R: BufRead> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(into.len());
        into[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Hashing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if amount == 0 {
            return;
        }
        // The buffer is still filled, so this returns what was looked at before.
        if let Ok(buffer) = self.inner.fill_buf() {
            self.hash.update(&buffer[..amount.min(buffer.len())]);
        }
        self.bytes += amount as u64;
        self.inner.consume(amount);
    }
}

/// Reads to the end.
pub(crate) fn drain(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let length = match reader.fill_buf() {
            Ok(buffer) => buffer.len(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if length == 0 {
            return Ok(());
        }
        reader.consume(length);
    }
}
