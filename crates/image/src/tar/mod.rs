//! Tar streams. Writing is in `write`. Reading: the records of one entry put together (PAX, GNU long names, sparse maps),
//! bounded, exact in bytes. Header fields are decoded by the `tar` crate; putting entries together is ours because that crate's PAX
//! reader takes a value that contains a newline (any binary extended attribute may) for damage and does not know
//! sparse files of PAX 0.0 to 1.0. Does not touch the disk and trusts no field: paths are as written.

mod pax;
mod sparse;
#[cfg(test)]
mod tests;
mod write;

use std::io::{self, BufRead};

use pax::Pax;
pub(crate) use sparse::Segment;
pub use write::{Header, Sink, TarWriter};

const BLOCK: usize = 512;
/// Bytes of one PAX header, long name or sparse map; Go's reader has the same limit.
const SPECIAL_BYTES_MAX: u64 = 1 << 20;

/// A tar stream is damaged or ends early.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The source failed.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The stream ends inside an entry.
    #[error("unexpected EOF")]
    Truncated,
    /// A header's fields make no sense.
    #[error("archive/tar: invalid tar header")]
    Header,
    /// A PAX header, long name or sparse map is longer than any real one.
    #[error("archive/tar: header field too long")]
    FieldTooLong,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file with content.
    Regular,
    /// A further name of an earlier entry.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// Something else, by its type byte.
    Other(u8),
}

/// One entry. Its content is read through [`TarReader::fill_data`].
#[derive(Debug, Clone)]
pub struct TarEntry {
    /// The name as written.
    pub path: Vec<u8>,
    /// The target of a link as written.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-id and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time: seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Size of the file, holes included.
    pub size: u64,
    /// Device numbers, major and minor.
    pub device: (u32, u32),
    /// Extended attributes.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the content goes, if the file has holes.
    pub(crate) sparse: Option<Vec<Segment>>,
}

/// Reads entry after entry.
#[derive(Debug)]
pub struct TarReader<R> {
    reader: R,
    /// Content bytes of the current entry not read yet.
    data_left: u64,
    /// Bytes from the end of that content to the next block.
    padding: u64,
    /// The end mark was seen.
    ended: bool,
}

impl<R: BufRead> TarReader<R> {
    /// Starts at the first header.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            data_left: 0,
            padding: 0,
            ended: false,
        }
    }

    /// Whether the archive said that it ends, when there was no further entry: one that was cut between two entries does
    /// not.
    pub fn was_ended(&self) -> bool {
        self.ended
    }

    /// The next entry; none at the end of the archive. What was not read of the one before is skipped.
    ///
    /// # Errors
    /// [`TarError`]; the stream is useless then.
    pub fn next_entry(&mut self) -> Result<Option<TarEntry>, TarError> {
        let mut extended = Pax::default();
        let mut long_path = None;
        let mut long_link = None;
        loop {
            self.skip_data()?;
            let Some(header) = self.read_header()? else {
                return Ok(None);
            };
            let size = header.entry_size().map_err(|_| TarError::Header)?;
            self.start_data(size);
            match header.entry_type().as_byte() {
                b'x' => extended = Pax::parse(&self.read_special()?)?,
                b'g' => {
                    // Global headers are checked and ignored, as Docker does.
                    Pax::parse(&self.read_special()?)?;
                }
                b'L' => long_path = Some(c_text(self.read_special()?)),
                b'K' => long_link = Some(c_text(self.read_special()?)),
                _ => return self.assemble(&header, extended, long_path, long_link).map(Some),
            }
        }
    }

    /// Some bytes of the current entry's content as they lie in the buffer; empty at its end. Call
    /// [`TarReader::consume_data`] for what was used.
    ///
    /// # Errors
    /// [`TarError::Truncated`] if the stream ends first.
    pub fn fill_data(&mut self) -> Result<&[u8], TarError> {
        if self.data_left == 0 {
            return Ok(&[]);
        }
        let available = self.reader.fill_buf()?;
        if available.is_empty() {
            return Err(TarError::Truncated);
        }
        let length = usize::try_from(self.data_left)
            .unwrap_or(usize::MAX)
            .min(available.len());
        Ok(&available[..length])
    }

    /// Marks `length` bytes given by [`TarReader::fill_data`] as used.
    pub fn consume_data(&mut self, length: usize) {
        self.reader.consume(length);
        self.data_left -= length as u64;
    }

    /// The rest of the stream behind the archive's end, for those who digest all of it.
    pub fn into_inner(self) -> R {
        self.reader
    }

    fn start_data(&mut self, size: u64) {
        self.data_left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    fn skip_data(&mut self) -> Result<(), TarError> {
        self.data_left = self.data_left.checked_add(self.padding).ok_or(TarError::Header)?;
        self.padding = 0;
        loop {
            let length = self.fill_data()?.len();
            if length == 0 {
                return Ok(());
            }
            self.consume_data(length);
        }
    }

    /// None at two blocks of zeros, or where the stream simply ends between entries.
    fn read_header(&mut self) -> Result<Option<tar::Header>, TarError> {
        let mut header = tar::Header::new_old();
        if !self.read_block(header.as_mut_bytes())? {
            return Ok(None);
        }
        if header.as_bytes().iter().all(|&byte| byte == 0) {
            self.ended = true;
            let ended = !self.read_block(header.as_mut_bytes())? || header.as_bytes().iter().all(|&byte| byte == 0);
            return if ended { Ok(None) } else { Err(TarError::Header) };
        }
        let sum = header.cksum().map_err(|_| TarError::Header)?;
        if sum != checksum(header.as_bytes()) {
            return Err(TarError::Header);
        }
        Ok(Some(header))
    }

    /// False if the stream has ended.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, TarError> {
        let mut filled = 0;
        while filled < BLOCK {
            match self.reader.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(TarError::Truncated),
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// All content of an entry that describes the next one.
    fn read_special(&mut self) -> Result<Vec<u8>, TarError> {
        if self.data_left > SPECIAL_BYTES_MAX {
            return Err(TarError::FieldTooLong);
        }
        let mut content = Vec::new();
        loop {
            let data = self.fill_data()?;
            if data.is_empty() {
                return Ok(content);
            }
            let length = data.len();
            content.extend_from_slice(data);
            self.consume_data(length);
        }
    }

    fn assemble(
        &mut self,
        header: &tar::Header,
        mut pax: Pax,
        long_path: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<TarEntry, TarError> {
        if let Some(size) = pax.number("size")? {
            self.start_data(size);
        }
        let path = pax
            .text("path")
            .or(long_path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = pax.text("linkpath").or(long_link);
        let kind = kind(header.entry_type().as_byte(), &path);
        if !matches!(kind, Kind::Regular | Kind::Other(_)) {
            // Links and directories have no content even if a size is given; Go's reader does the same.
            self.start_data(0);
        }
        let mut entry = TarEntry {
            path,
            link: link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned()),
            kind,
            mode: header.mode().unwrap_or(0) & 0o7777,
            uid: owner(&pax, "uid", header.uid())?,
            gid: owner(&pax, "gid", header.gid())?,
            mtime: match pax.time("mtime")? {
                Some(time) => time,
                None => (mtime(header), 0),
            },
            size: self.data_left,
            device: (
                header.device_major().ok().flatten().unwrap_or(0),
                header.device_minor().ok().flatten().unwrap_or(0),
            ),
            xattrs: pax.take_xattrs(),
            sparse: None,
        };
        if kind == Kind::Regular {
            sparse::resolve(self, header, &pax, &mut entry)?;
        }
        Ok(entry)
    }
}

/// Sum of the header's bytes with the sum's own field read as spaces.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let field = 148..156;
    header
        .iter()
        .enumerate()
        .map(|(at, &byte)| if field.contains(&at) { 32 } else { u32::from(byte) })
        .sum()
}

fn kind(byte: u8, path: &[u8]) -> Kind {
    match byte {
        // Old tars mark a directory by the slash alone.
        b'0' | b'\0' if path.ends_with(b"/") => Kind::Directory,
        b'0' | b'\0' | b'7' | b'S' => Kind::Regular,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::CharDevice,
        b'4' => Kind::BlockDevice,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => Kind::Other(other),
    }
}

fn owner(pax: &Pax, key: &str, field: io::Result<u64>) -> Result<u32, TarError> {
    let number = match pax.number(key)? {
        Some(number) => number,
        None => field.unwrap_or(0),
    };
    // u32::MAX means "leave alone" to chown.
    u32::try_from(number)
        .ok()
        .filter(|&number| number != u32::MAX)
        .ok_or(TarError::Header)
}

/// Signed, also in GNU's binary form, which the crate's decoder knows only for positive numbers.
fn mtime(header: &tar::Header) -> i64 {
    let field = &header.as_old().mtime;
    if field[0] == 0xff {
        let low: [u8; 8] = [
            field[4], field[5], field[6], field[7], field[8], field[9], field[10], field[11],
        ];
        return i64::from_be_bytes(low);
    }
    header
        .mtime()
        .ok()
        .and_then(|seconds| i64::try_from(seconds).ok())
        .unwrap_or(0)
}

fn c_text(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    text.truncate(end);
    text
}
