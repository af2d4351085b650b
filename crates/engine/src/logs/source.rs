//! The files of one log and what is known them by: `<path>` (current), `<path>.1`, `<path>.2`, ... from newer to older,
//! each of the rotated ones plain or compressed (`<path>.1.gz`, ...).
//!
//! A plain file is known by its inode, which nobody else gets while it is open. A compressed one says in its
//! header which inode it had before ([`Packed`]), so that who reads the plain file finds its place again when
//! the name is gone. The plain one counts where both are there: the compressed one is not finished.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

/// An open file of a log.
#[derive(Debug)]
pub(super) enum Source {
    /// As it was written.
    Plain {
        file: File,
        inode: u64,
        /// How much of it was read, or passed over.
        read_bytes: u64,
    },
    /// Compressed.
    Packed(Box<Packed>),
}

/// A compressed file of a log.
#[derive(Debug)]
pub(super) struct Packed {
    decoder: GzDecoder<BufReader<File>>,
    inode: u64,
    /// The inode of the file it was made of; 0 where it does not say.
    origin: u64,
    read_bytes: u64,
}

/// What a file is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    packed: bool,
    inode: u64,
}

/// The field of a compressed file's header that holds the inode: its name and its length (RFC 1952, 2.3.1.1).
const ORIGIN: [u8; 4] = [b'C', b'o', 8, 0];

impl Source {
    fn plain(file: File) -> io::Result<Self> {
        let inode = file.metadata()?.ino();
        Ok(Self::Plain {
            file,
            inode,
            read_bytes: 0,
        })
    }

    fn packed(file: File) -> io::Result<Self> {
        let inode = file.metadata()?.ino();
        let decoder = GzDecoder::new(BufReader::with_capacity(64 << 10, file));
        let origin = decoder.header().and_then(|header| origin(header.extra()?));
        Ok(Self::Packed(Box::new(Packed {
            decoder,
            inode,
            origin: origin.unwrap_or(0),
            read_bytes: 0,
        })))
    }

    /// The newest file under `index` (0: the current one); `None` if there is none.
    pub(super) fn open(path: &Path, index: u32) -> io::Result<Option<Self>> {
        if let Some(file) = found(File::open(rotated(path, index)))? {
            return Self::plain(file).map(Some);
        }
        if index == 0 {
            return Ok(None);
        }
        found(File::open(packed(path, index)))?.map(Self::packed).transpose()
    }

    pub(super) fn identity(&self) -> Identity {
        match self {
            Self::Plain { inode, .. } => Identity {
                packed: false,
                inode: *inode,
            },
            Self::Packed(packed) => Identity {
                packed: true,
                inode: packed.inode,
            },
        }
    }

    /// The inode of the file as it was written.
    pub(super) fn origin(&self) -> u64 {
        match self {
            Self::Plain { inode, .. } => *inode,
            Self::Packed(packed) => packed.origin,
        }
    }

    /// How much of it was read or passed over, in bytes as they were written.
    pub(super) fn read_bytes(&self) -> u64 {
        match self {
            Self::Plain { read_bytes, .. } => *read_bytes,
            Self::Packed(packed) => packed.read_bytes,
        }
    }

    /// Whether this file is, or has become, what `index` names.
    pub(super) fn is_at(&self, path: &Path, index: u32) -> io::Result<bool> {
        match self {
            Self::Plain { inode, .. } => Ok(identity(path, index)? == Some(self.identity())
                || (index > 0 && found_origin(path, index)? == Some(*inode))),
            Self::Packed(_) => Ok(packed_identity(path, index)? == Some(self.identity())),
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, total) = match self {
            Self::Plain { file, read_bytes, .. } => (file.read(buffer)?, read_bytes),
            Self::Packed(packed) => (unpack(&mut packed.decoder, buffer), &mut packed.read_bytes),
        };
        *total += count as u64;
        Ok(count)
    }

    /// The same file from its beginning, read apart from `file`.
    pub(super) fn reopen(file: &File) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        Self::plain(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?)
    }

    /// Goes back to the beginning.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        match self {
            Self::Plain { file, read_bytes, .. } => {
                file.rewind()?;
                *read_bytes = 0;
            }
            Self::Packed(packed) => {
                let mut file = packed.decoder.get_ref().get_ref().try_clone()?;
                file.rewind()?;
                let Self::Packed(again) = Self::packed(file)? else {
                    return Ok(());
                };
                **packed = *again;
            }
        }
        Ok(())
    }

    /// Passes over what lies before `offset`.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        match self {
            Self::Plain { file, read_bytes, .. } => *read_bytes = file.seek(SeekFrom::Start(offset))?,
            Self::Packed(_) => {
                let mut buffer = vec![0; 64 << 10];
                while self.read_bytes() < offset {
                    let left = usize::try_from(offset - self.read_bytes()).unwrap_or(usize::MAX);
                    let length = left.min(buffer.len());
                    if self.read(buffer.get_mut(..length).unwrap_or_default())? == 0 {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A compressed file that is damaged ends where it is.
fn unpack(decoder: &mut impl Read, buffer: &mut [u8]) -> usize {
    loop {
        match decoder.read(buffer) {
            Ok(count) => return count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "a compressed log ends early");
                return 0;
            }
        }
    }
}

/// The header field for a file made of the one with this inode.
pub(super) fn origin_field(inode: u64) -> Vec<u8> {
    [&ORIGIN[..], &inode.to_le_bytes()].concat()
}

fn origin(extra: &[u8]) -> Option<u64> {
    let value = extra.strip_prefix(&ORIGIN)?.first_chunk()?;
    Some(u64::from_le_bytes(*value))
}

/// The inode that the compressed file of this name was made of.
fn found_origin(path: &Path, index: u32) -> io::Result<Option<u64>> {
    let Some(file) = found(File::open(packed(path, index)))? else {
        return Ok(None);
    };
    Ok(Some(Source::packed(file)?.origin()))
}

/// What is under a name now, without opening it.
pub(super) fn identity(path: &Path, index: u32) -> io::Result<Option<Identity>> {
    match found(std::fs::metadata(rotated(path, index)))? {
        Some(metadata) => Ok(Some(Identity {
            packed: false,
            inode: metadata.ino(),
        })),
        None if index == 0 => Ok(None),
        None => packed_identity(path, index),
    }
}

fn packed_identity(path: &Path, index: u32) -> io::Result<Option<Identity>> {
    let metadata = found(std::fs::metadata(packed(path, index)))?;
    Ok(metadata.map(|metadata| Identity {
        packed: true,
        inode: metadata.ino(),
    }))
}

/// A missing file is no error.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The name of the plain file.
pub(super) fn rotated(path: &Path, index: u32) -> PathBuf {
    if index == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{index}"));
    name.into()
}

/// The name of the compressed file.
pub(super) fn packed(path: &Path, index: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{index}.gz"));
    name.into()
}
