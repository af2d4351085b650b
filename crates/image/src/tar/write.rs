//! Writing tar streams as Docker does: ustar headers, and a PAX header in front of an entry for what does not fit or
//! ustar has no field for (long names, large numbers, extended attributes). Times are whole seconds. Does not touch
//! the disk but to read content from a descriptor.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use super::{BLOCK, Kind};

/// Read at a time.
const BUFFER_BYTES: usize = 256 << 10;
/// Offered to the receiver at a time: clients that read whole chunks hold one in memory.
const TAKEN_BYTES: usize = 1 << 20;
/// Bytes of a name or link target in a header.
const NAME_BYTES: usize = 100;

/// One entry to be written.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// Its name.
    pub path: &'a [u8],
    /// The target of a link.
    pub link: &'a [u8],
    /// What it is; [`Kind::Other`] is written as a regular file.
    pub kind: Kind,
    /// Permission bits with set-id and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time in seconds since 1970.
    pub mtime: i64,
    /// Bytes of content that follow.
    pub size: u64,
    /// Device numbers, major and minor.
    pub device: (u32, u32),
    /// Extended attributes.
    pub xattrs: &'a [(Vec<u8>, Vec<u8>)],
}

/// Where an archive goes: bytes, and content of files, which the receiver may take from the file itself.
pub trait Sink: Write {
    /// What follows is the content of the file that the archive calls `name`.
    ///
    /// # Errors
    /// The receiver's.
    fn begin_content(&mut self, name: &[u8], size: u64) -> io::Result<()> {
        let _ = (name, size);
        Ok(())
    }

    /// Takes the next `length` bytes of content from `offset` in `file` (zeros where the file lacks some by now) and
    /// returns true; or wants them written.
    ///
    /// # Errors
    /// Reading or the receiver fails.
    fn take(&mut self, file: BorrowedFd<'_>, offset: u64, length: usize) -> io::Result<bool> {
        let _ = (file, offset, length);
        Ok(false)
    }
}

impl Sink for Vec<u8> {}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn begin_content(&mut self, name: &[u8], size: u64) -> io::Result<()> {
        (**self).begin_content(name, size)
    }

    fn take(&mut self, file: BorrowedFd<'_>, offset: u64, length: usize) -> io::Result<bool> {
        (**self).take(file, offset, length)
    }
}

/// Writes entry after entry.
#[derive(Debug)]
pub struct TarWriter<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Sink> TarWriter<W> {
    /// Starts an archive.
    pub fn new(out: W) -> Self {
        Self {
            out,
            buffer: Vec::new(),
        }
    }

    /// Writes an entry's header, in front of its content.
    ///
    /// # Errors
    /// The receiver's.
    pub fn header(&mut self, header: &Header<'_>) -> io::Result<()> {
        let records = records(header);
        if !records.is_empty() {
            let name = [b"PaxHeaders.0/".as_slice(), base(header.path)].concat();
            let pax = Header {
                path: &name[..name.len().min(NAME_BYTES)],
                link: b"",
                kind: Kind::Regular,
                mode: 0,
                uid: 0,
                gid: 0,
                mtime: 0,
                size: records.len() as u64,
                device: (0, 0),
                xattrs: &[],
            };
            self.out.write_all(&block(&pax, b'x'))?;
            self.out.write_all(&records)?;
            self.pad(records.len() as u64)?;
        }
        self.out.write_all(&block(header, type_byte(header.kind)))
    }

    /// Writes `size` bytes of content from the start of `file`, which the archive calls `name`; what the file lacks by
    /// now is zeros, what it has more is left out.
    ///
    /// # Errors
    /// Reading or the receiver fails.
    pub fn content(&mut self, name: &[u8], file: BorrowedFd<'_>, size: u64) -> io::Result<()> {
        self.out.begin_content(name, size)?;
        let mut offset = 0;
        while offset < size {
            let wanted = usize::try_from(size - offset).unwrap_or(TAKEN_BYTES).min(TAKEN_BYTES);
            if !self.out.take(file, offset, wanted)? {
                self.copy(file, offset, wanted)?;
            }
            offset += wanted as u64;
        }
        self.pad(size)
    }

    fn copy(&mut self, file: BorrowedFd<'_>, mut offset: u64, length: usize) -> io::Result<()> {
        self.buffer.resize(BUFFER_BYTES, 0);
        let mut left = length;
        let mut ended = false;
        while left > 0 {
            let wanted = left.min(BUFFER_BYTES);
            let mut length = 0;
            if !ended {
                length = match rustix::io::pread(file, &mut self.buffer[..wanted], offset) {
                    Err(rustix::io::Errno::INTR) => continue,
                    read => read?,
                };
                ended = length == 0;
            }
            if ended {
                self.buffer[..wanted].fill(0);
                length = wanted;
            }
            self.out.write_all(&self.buffer[..length])?;
            offset += length as u64;
            left -= length;
        }
        Ok(())
    }

    /// Ends the archive and gives the receiver back.
    ///
    /// # Errors
    /// The receiver's.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let padding = usize::try_from(size.wrapping_neg() % BLOCK as u64).unwrap_or(0);
        self.out.write_all(&[0; BLOCK][..padding])
    }
}

/// The PAX records that an entry needs.
fn records(header: &Header<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    let plain = |text: &[u8]| text.len() <= NAME_BYTES && text.is_ascii();
    if !plain(header.path) {
        record(&mut records, b"path", header.path);
    }
    if !plain(header.link) {
        record(&mut records, b"linkpath", header.link);
    }
    for (key, number, digits) in [
        ("size", header.size, 11),
        ("uid", header.uid.into(), 7),
        ("gid", header.gid.into(), 7),
    ] {
        if number >= 1 << (3 * digits) {
            record(&mut records, key.as_bytes(), number.to_string().as_bytes());
        }
    }
    if octal_time(header.mtime).is_none() {
        record(&mut records, b"mtime", header.mtime.to_string().as_bytes());
    }
    for (name, value) in header.xattrs {
        record(&mut records, &[b"SCHILY.xattr.", &**name].concat(), value);
    }
    records
}

/// `<length> <key>=<value>\n`, where the length counts itself.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn block(header: &Header<'_>, kind: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, 0, NAME_BYTES, header.path);
    octal(&mut block, 100, 7, header.mode.into());
    octal(&mut block, 108, 7, header.uid.into());
    octal(&mut block, 116, 7, header.gid.into());
    octal(&mut block, 124, 11, header.size);
    octal(&mut block, 136, 11, octal_time(header.mtime).unwrap_or(0));
    block[156] = kind;
    put(&mut block, 157, NAME_BYTES, header.link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    octal(&mut block, 329, 7, header.device.0.into());
    octal(&mut block, 337, 7, header.device.1.into());
    let sum = super::checksum(&block);
    octal(&mut block, 148, 6, sum.into());
    block[155] = b' ';
    block
}

fn put(block: &mut [u8; BLOCK], at: usize, width: usize, text: &[u8]) {
    let length = text.len().min(width);
    block[at..at + length].copy_from_slice(&text[..length]);
}

/// A number in octal digits with leading zeros; zero if there is no room (a record says it then).
fn octal(block: &mut [u8; BLOCK], at: usize, digits: usize, number: u64) {
    let text = format!("{number:0digits$o}");
    let text = if text.len() > digits { "0".repeat(digits) } else { text };
    put(block, at, digits, text.as_bytes());
}

fn octal_time(seconds: i64) -> Option<u64> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds < 1 << 33)
}

fn base(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

fn type_byte(kind: Kind) -> u8 {
    match kind {
        Kind::Regular | Kind::Other(_) => b'0',
        Kind::HardLink => b'1',
        Kind::Symlink => b'2',
        Kind::CharDevice => b'3',
        Kind::BlockDevice => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

#[cfg(test)]
mod tests {
    use super::super::TarReader;
    use super::*;

    /// What is written is read again, whatever its size.
    #[test]
    fn round_trip() {
        let long = vec![b'n'; 5000];
        let xattrs = [(b"user.x".to_vec(), b"a\nb\0".to_vec())];
        let paths: [&[u8]; 4] = [b"short", &long, "d/\u{e9}".as_bytes(), b"last"];
        for path in paths {
            for (uid, mtime, size) in [(0, 0, 0), (2_097_151, 1, 0), (3_000_000_000, -5, 0), (1, 1 << 34, 0)] {
                let header = Header {
                    path,
                    link: path,
                    kind: Kind::Symlink,
                    mode: 0o4755,
                    uid,
                    gid: 7,
                    mtime,
                    size,
                    device: (0, 0),
                    xattrs: &xattrs,
                };
                let mut tar = TarWriter::new(Vec::new());
                tar.header(&header).unwrap();
                let bytes = tar.finish().unwrap();
                assert_eq!(bytes.len() % BLOCK, 0);
                let entry = TarReader::new(&*bytes).next_entry().unwrap().unwrap();
                assert_eq!((&*entry.path, &*entry.link), (path, path));
                assert_eq!(
                    (entry.mode, entry.uid, entry.gid, entry.mtime),
                    (0o4755, uid, 7, (mtime, 0))
                );
                assert_eq!(entry.xattrs, xattrs);
            }
        }
    }

    #[test]
    fn records_count_their_own_length() {
        for length in 80..120 {
            let mut records = Vec::new();
            record(&mut records, b"k", &vec![b'v'; length]);
            let text = String::from_utf8(records).unwrap();
            let said: usize = text.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, text.len());
        }
    }

    /// The header that dockerd 28.5 wrote for a file `f` of 3 bytes.
    #[test]
    fn as_docker_writes_it() {
        let header = Header {
            path: b"f",
            link: b"",
            kind: Kind::Regular,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 0o15_302_025_023,
            size: 3,
            device: (0, 0),
            xattrs: &[],
        };
        let block = block(&header, b'0');
        assert_eq!(
            &block[100..156],
            b"0000644\x000000000\x000000000\x0000000000003\x0015302025023\x00007375\x00 "
        );
        assert_eq!(&block[329..345], b"0000000\x000000000\x00");
    }
}
