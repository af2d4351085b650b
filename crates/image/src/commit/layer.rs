//! A layer from a container's changes: one thread writes the tar, digests it and notes its outline, another unpacks it.
//! The tar itself is nowhere.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use corten_base::Digest;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use sha2::Digest as _;

use super::changes::Changes;
use super::{CommitError, LoadError};
use crate::compress::drain;
use crate::config::chain_id;
use crate::extract::{ExtractError, Extracted, extract, make_root};
use crate::layer::{NewLayer, Stored};
use crate::outline::OutlineWriter;
use crate::store::StoreError;
use crate::tar::{Sink, TarError};

/// Pieces of the tar between its writer and its reader.
const PIECES: usize = 8;
/// Bytes of one.
const PIECE_BYTES: usize = 256 << 10;
/// Content of less than this is gathered with what is around it.
const DIRECT_BYTES: usize = 32 << 10;

/// Makes it in the directory `work`, to lie on `parent`.
pub(super) fn make(changes: &mut Changes<'_>, parent: Option<Digest>, work: &Path) -> Result<NewLayer, CommitError> {
    let outline_path = work.join("outline");
    let outline = OutlineWriter::create(&outline_path).map_err(StoreError::io("create", &outline_path));
    let outline = outline.map_err(LoadError::from)?;
    let directory = work.join("layer");
    let (sender, receiver) = sync_channel(PIECES);
    let (used, unused) = sync_channel(PIECES);
    let (extracted, packed) = std::thread::scope(|scope| {
        let mut writer = PieceWriter::new(sender, unused, outline);
        let packing = std::thread::Builder::new()
            .name("commit".to_owned())
            .spawn_scoped(scope, move || {
                let packed = changes.write(&mut writer);
                writer.end(packed)
            })
            .map_err(CommitError::Read)?;
        let mut reader = PieceReader::new(receiver, used);
        let extracted = unpack(&mut reader, &directory);
        // The writer must not wait for a reader that has failed.
        drop(reader);
        let ended = |_| Err(io::Error::other("the writer of the layer ended early"));
        Ok::<_, CommitError>((extracted, packing.join().unwrap_or_else(ended)))
    })?;
    let (extracted, (diff_id, tar_bytes)) = match (extracted, packed) {
        // What went wrong first is why the other side failed.
        (Err(_), Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => return Err(CommitError::Read(error)),
        (Err(error), _) => return Err(LoadError::from(error).into()),
        (Ok(_), Err(error)) => return Err(CommitError::Read(error)),
        (Ok(extracted), Ok(packed)) => (extracted, packed),
    };
    Ok(NewLayer {
        chain: chain_id(parent.as_ref(), &diff_id),
        parent,
        diff_id,
        directory,
        size_bytes: extracted.size_bytes,
        blob: diff_id,
        blob_bytes: tar_bytes,
        stored: Stored::Outline(outline_path),
    })
}

fn unpack(reader: &mut PieceReader, directory: &Path) -> Result<Extracted, ExtractError> {
    let root = make_root(directory)?;
    let extracted = extract(reader, root.as_fd())?;
    drain(reader).map_err(TarError::Read)?;
    Ok(extracted)
}

/// Takes the tar: digests it, notes its outline, hands it on.
struct PieceWriter {
    to: SyncSender<io::Result<Vec<u8>>>,
    /// Pieces that were read, to be filled again.
    unused: Receiver<Vec<u8>>,
    gathered: Vec<u8>,
    outline: OutlineWriter,
    /// So much of what comes next is content of a file, which the outline has already.
    content: u64,
    hash: sha2::Sha256,
    bytes: u64,
}

impl PieceWriter {
    fn new(to: SyncSender<io::Result<Vec<u8>>>, unused: Receiver<Vec<u8>>, outline: OutlineWriter) -> Self {
        Self {
            to,
            unused,
            gathered: Vec::with_capacity(PIECE_BYTES),
            outline,
            content: 0,
            hash: sha2::Sha256::new(),
            bytes: 0,
        }
    }

    fn piece(&mut self) -> Vec<u8> {
        match self.unused.try_recv() {
            Ok(piece) => piece,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Vec::with_capacity(PIECE_BYTES),
        }
    }

    fn send(&mut self, piece: Vec<u8>) -> io::Result<()> {
        self.hash.update(&piece);
        self.bytes += piece.len() as u64;
        self.to.send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// The digest and length of the tar, if all of it was written.
    fn end(mut self, written: io::Result<()>) -> io::Result<(Digest, u64)> {
        let ended = written.and_then(|()| self.flush()).and_then(|()| self.outline.finish());
        if let Err(error) = ended {
            // Without this an archive cut short would pass for a whole one.
            drop(self.to.send(Err(io::Error::from(error.kind()))));
            return Err(error);
        }
        Ok((Digest::from_bytes(self.hash.finalize().into()), self.bytes))
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let content = usize::try_from(self.content).unwrap_or(usize::MAX).min(bytes.len());
        self.content -= content as u64;
        self.outline.bytes(&bytes[content..])?;
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let empty = self.piece();
        let piece = std::mem::replace(&mut self.gathered, empty);
        self.send(piece)
    }
}

impl Sink for PieceWriter {
    fn begin_content(&mut self, name: &[u8], size: u64) -> io::Result<()> {
        self.content = size;
        self.outline.file(name, size)
    }

    fn take(&mut self, file: BorrowedFd<'_>, mut offset: u64, length: usize) -> io::Result<bool> {
        if length < DIRECT_BYTES {
            return Ok(false);
        }
        self.flush()?;
        let mut left = length;
        while left > 0 {
            let mut piece = self.piece();
            let wanted = left.min(PIECE_BYTES);
            match rustix::io::pread(file, spare_capacity(&mut piece), offset) {
                Err(Errno::INTR) => continue,
                // What the file lacks by now is zeros.
                Ok(0) => piece.resize(wanted, 0),
                // What it has more by now is left out.
                read => drop(read.map(|_| piece.truncate(wanted))?),
            }
            let length = piece.len();
            offset += length as u64;
            left -= length;
            self.content -= length as u64;
            self.send(piece)?;
        }
        Ok(true)
    }
}

struct PieceReader {
    from: Receiver<io::Result<Vec<u8>>>,
    used: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    position: usize,
}

impl PieceReader {
    fn new(from: Receiver<io::Result<Vec<u8>>>, used: SyncSender<Vec<u8>>) -> Self {
        Self {
            from,
            used,
            piece: Vec::new(),
            position: 0,
        }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for PieceReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.piece.len() {
            let Ok(piece) = self.from.recv() else { break };
            let mut read = std::mem::replace(&mut self.piece, piece?);
            self.position = 0;
            if read.capacity() > 0 {
                read.clear();
                // Where there are enough, or nobody writes any more, it goes.
                drop(self.used.try_send(read));
            }
        }
        Ok(&self.piece[self.position..])
    }

    fn consume(&mut self, length: usize) {
        self.position = (self.position + length).min(self.piece.len());
    }
}
