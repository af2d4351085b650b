//! The outline of a layer's tar: everything of it but the content of files, which lies in the layer's directory anyhow.
//! A layer that was made here is kept so, at the price of its headers; the tar is put together when it is asked for.
//!
//! Format, after the line [`MAGIC`]: pieces, each a byte that says what follows; numbers are little-endian.
//!
//! | byte | follows | stands for |
//! |---|---|---|
//! | `D` | u32 length, bytes | these bytes |
//! | `Z` | u32 length | so many zero bytes |
//! | `F` | u64 size, u32 length, name | the content of the layer's file of that name, which has that size |
//! | `E` | nothing | the end |
//!
//! Invariant: whoever reads to the end of an [`OutlineReader`] has read what the digest says, or got an error.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use corten_base::Digest;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use sha2::Digest as _;

const MAGIC: &[u8] = b"corten outline 1\n";
/// Fewer zeros in a row are written as they are.
const ZEROS: usize = 16;
/// Longest name of a file; the kernel takes no longer path.
const NAME_BYTES: u32 = 4096;

/// Writes an outline while the tar is written elsewhere.
#[derive(Debug)]
pub(crate) struct OutlineWriter {
    out: BufWriter<File>,
}

impl OutlineWriter {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut out = BufWriter::new(File::create_new(path)?);
        out.write_all(MAGIC)?;
        Ok(Self { out })
    }

    /// The tar goes on with these bytes.
    pub(crate) fn bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let zeros = zeros(bytes);
            let (kind, length) = match zeros {
                ZEROS.. => (b'Z', zeros),
                _ => (b'D', data(bytes)),
            };
            self.out.write_all(&[kind])?;
            self.out
                .write_all(&u32::try_from(length).map_err(invalid)?.to_le_bytes())?;
            if kind == b'D' {
                self.out.write_all(&bytes[..length])?;
            }
            bytes = &bytes[length..];
        }
        Ok(())
    }

    /// The tar goes on with the content of a file.
    pub(crate) fn file(&mut self, name: &[u8], size: u64) -> io::Result<()> {
        self.out.write_all(b"F")?;
        self.out.write_all(&size.to_le_bytes())?;
        self.out
            .write_all(&u32::try_from(name.len()).map_err(invalid)?.to_le_bytes())?;
        self.out.write_all(name)
    }

    /// That was all. Not flushed to the disk.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"E")?;
        self.out.flush()
    }
}

fn zeros(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len())
}

/// Bytes in front of the next zeros that are worth it.
fn data(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        match byte {
            0 => match zeros(&bytes[end..]) {
                ZEROS.. => break,
                few => end += few,
            },
            _ => end += 1,
        }
    }
    end
}

fn invalid(error: std::num::TryFromIntError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// A tar that is put together from its outline and its layer.
#[derive(Debug)]
pub(crate) struct OutlineReader {
    outline: BufReader<File>,
    /// The layer's directory.
    layer: OwnedFd,
    piece: Piece,
    digest: Digest,
    hash: sha2::Sha256,
}

#[derive(Debug)]
enum Piece {
    /// The next one is to be read.
    Next,
    Data(u32),
    Zeros(u32),
    File(File, u64),
    End,
}

impl OutlineReader {
    /// Opens the outline at `path` of the tar with this digest, whose layer lies in the directory `layer`.
    pub(crate) fn open(path: &Path, layer: &Path, digest: Digest) -> io::Result<Self> {
        let mut outline = BufReader::new(File::open(path)?);
        let mut magic = [0; MAGIC.len()];
        outline.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(damaged("its outline has another format"));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            outline,
            layer: rustix::fs::open(layer, flags, Mode::empty())?,
            piece: Piece::Next,
            digest,
            hash: sha2::Sha256::new(),
        })
    }

    fn next(&mut self) -> io::Result<Piece> {
        let [kind] = self.array()?;
        Ok(match kind {
            b'D' => Piece::Data(self.number()?),
            b'Z' => Piece::Zeros(self.number()?),
            b'F' => {
                let size = u64::from_le_bytes(self.array()?);
                let length = self.number()?;
                if length > NAME_BYTES {
                    return Err(damaged("its outline has a name that is too long"));
                }
                let mut name = vec![0; usize::try_from(length).map_err(invalid)?];
                self.outline.read_exact(&mut name)?;
                Piece::File(self.file(&name, size)?, size)
            }
            b'E' => {
                let hash = std::mem::take(&mut self.hash);
                if Digest::from_bytes(hash.finalize().into()) != self.digest {
                    return Err(damaged("its files are not what they were"));
                }
                Piece::End
            }
            _ => return Err(damaged("its outline has an unknown piece")),
        })
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.outline.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn file(&self, name: &[u8], size: u64) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let file = File::from(rustix::fs::openat2(&self.layer, name, flags, Mode::empty(), resolve)?);
        let found = file.metadata()?;
        match found.is_file() && found.len() == size {
            true => Ok(file),
            false => Err(damaged("a file of it has another size")),
        }
    }

    fn fill(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = |left: u64| into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match &mut self.piece {
            Piece::Next | Piece::End => Ok(0),
            Piece::Data(left) => {
                let available = self.outline.fill_buf()?;
                let length = room(u64::from(*left)).min(available.len());
                if length == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                into[..length].copy_from_slice(&available[..length]);
                self.outline.consume(length);
                *left -= u32::try_from(length).map_err(invalid)?;
                Ok(length)
            }
            Piece::Zeros(left) => {
                let length = room(u64::from(*left));
                into[..length].fill(0);
                *left -= u32::try_from(length).map_err(invalid)?;
                Ok(length)
            }
            Piece::File(file, left) => {
                let room = room(*left);
                let length = file.read(&mut into[..room])?;
                if length == 0 {
                    return Err(damaged("a file of it is shorter than it was"));
                }
                *left -= length as u64;
                Ok(length)
            }
        }
    }

    fn is_over(&self) -> bool {
        matches!(
            self.piece,
            Piece::Next | Piece::Data(0) | Piece::Zeros(0) | Piece::File(_, 0)
        )
    }
}

impl Read for OutlineReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.is_over() {
            self.piece = self.next()?;
        }
        let length = self.fill(into)?;
        self.hash.update(&into[..length]);
        Ok(length)
    }
}

fn damaged(how: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the layer is damaged: {how}; remove the image and make or load it again"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer with the file `d/f` of some content, and the outline of a "tar" with it; what that is.
    fn made(place: &Path) -> Vec<u8> {
        std::fs::create_dir_all(place.join("layer/d")).unwrap();
        let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(place.join("layer/d/f"), &content).unwrap();
        std::fs::write(place.join("layer/empty"), "").unwrap();
        let mut whole = Vec::new();
        let mut outline = OutlineWriter::create(&place.join("outline")).unwrap();
        let few_zeros = [b"abc".as_slice(), &[0; 15], b"def", &[0; 16]].concat();
        for bytes in [few_zeros.as_slice(), &[0; 1000], b"", b"x", &[7; 70_000]] {
            outline.bytes(bytes).unwrap();
            whole.extend_from_slice(bytes);
        }
        outline.file(b"d/f", content.len() as u64).unwrap();
        whole.extend_from_slice(&content);
        outline.file(b"empty", 0).unwrap();
        outline.bytes(&[0; 1024]).unwrap();
        whole.extend_from_slice(&[0; 1024]);
        outline.finish().unwrap();
        whole
    }

    fn read(place: &Path, digest: Digest, step: usize) -> io::Result<Vec<u8>> {
        let reader = OutlineReader::open(&place.join("outline"), &place.join("layer"), digest)?;
        let mut whole = Vec::new();
        BufReader::with_capacity(step, reader).read_to_end(&mut whole)?;
        Ok(whole)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let place = tempfile::tempdir().unwrap();
        let whole = made(place.path());
        for step in [1, 13, 4096, 1 << 20] {
            assert!(
                read(place.path(), Digest::of(&whole), step).unwrap() == whole,
                "{step} bytes at a time"
            );
        }
        let outline = std::fs::metadata(place.path().join("outline")).unwrap().len();
        assert!(outline < 71_000, "zeros and content are not in it: {outline}");
    }

    #[test]
    fn damage_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let whole = made(place.path());
        let digest = Digest::of(&whole);
        assert!(
            read(place.path(), Digest::of(b"other"), 4096).is_err(),
            "another digest"
        );
        let file = place.path().join("layer/d/f");
        let content = std::fs::read(&file).unwrap();
        let mut changed = content.clone();
        changed[5000] ^= 1;
        for (found, how) in [
            (&changed, "not what they were"),
            (&content[..9].to_vec(), "another size"),
        ] {
            std::fs::write(&file, found).unwrap();
            let error = read(place.path(), digest, 4096).unwrap_err().to_string();
            assert!(error.contains(how), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        assert!(read(place.path(), digest, 4096).is_err(), "a link leads out");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &content).unwrap();
        let outline = std::fs::read(place.path().join("outline")).unwrap();
        for cut in [0, 5, MAGIC.len(), MAGIC.len() + 3, outline.len() / 2, outline.len() - 1] {
            std::fs::write(place.path().join("outline"), &outline[..cut]).unwrap();
            assert!(read(place.path(), digest, 4096).is_err(), "cut to {cut} bytes");
        }
    }
}
