//! Receiving an archive: each file of it goes to a file of its own, digested on the way, and what looks like a layer
//! is unpacked while it arrives, before the manifest (which may come last) says whether it is one. Names in the
//! archive never become names on disk.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corten_base::Digest;
use sha2::Digest as _;

use super::LoadError;
use super::growing::Growing;
use super::unpack::{Job, Unpackers};
use crate::compress::{Compression, drain};
use crate::extract::ExtractError;
use crate::store::StoreError;
use crate::tar::{Kind, TarEntry, TarError, TarReader};

/// Files in one archive; an image has at most a few hundred.
const FILES_MAX: usize = 1 << 16;
/// Bytes of a manifest, index or configuration.
const DOCUMENT_BYTES_MAX: u64 = 16 << 20;
/// Links followed from one name.
const LINKS_MAX: usize = 8;

/// One received file.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
    pub(crate) digest: Digest,
    pub(super) compression: Compression,
    pub(super) unpacking: Option<Arc<Job>>,
}

impl Staged {
    /// The content of a small file; `name` is for the error.
    pub(super) fn document(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        if self.size_bytes > DOCUMENT_BYTES_MAX {
            return Err(LoadError::Archive(format!("{name} is too large")));
        }
        Ok(std::fs::read(&self.path).map_err(StoreError::io("read", &self.path))?)
    }
}

/// All that was received.
#[derive(Debug, Default)]
pub(super) struct Archive {
    pub(super) files: Vec<Staged>,
    names: HashMap<String, Name>,
}

#[derive(Debug)]
enum Name {
    File(usize),
    Link(String),
}

/// Where and how files are received.
#[derive(Debug)]
pub(super) struct Staging<'a> {
    pub(super) directory: &'a Path,
    pub(super) unpackers: &'a Unpackers,
    pub(super) known: Known,
}

/// Blobs in the store by size and digest. A file of the same size as one of them is unpacked only when its digest
/// turns out to be another: most archives bring layers that are there already.
pub(super) type Known = BTreeSet<(u64, Digest)>;

impl Staging<'_> {
    /// Receives a whole archive, plain or compressed.
    pub(super) fn archive(&self, reader: &mut (dyn Read + Send)) -> Result<Archive, LoadError> {
        let (start, reader) = peek(reader)?;
        let plain = Compression::of(&start).reader(reader).map_err(TarError::Read)?;
        let mut tar = TarReader::new(plain);
        let mut archive = Archive::default();
        while let Some(entry) = tar.next_entry()? {
            if archive.names.len() == FILES_MAX {
                return Err(LoadError::Archive("too many files in archive".into()));
            }
            self.entry(&entry, &mut tar, &mut archive)?;
        }
        drain(&mut tar.into_inner()).map_err(TarError::Read)?;
        Ok(archive)
    }

    fn entry<R: BufRead>(
        &self,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
        archive: &mut Archive,
    ) -> Result<(), LoadError> {
        let written = String::from_utf8_lossy(&entry.path);
        let name = clean(&written).ok_or_else(|| ExtractError::Name(written.clone().into_owned()))?;
        let meant = match entry.kind {
            Kind::Regular if entry.sparse.is_some() => {
                return Err(LoadError::Archive("sparse file in image archive".into()));
            }
            Kind::Regular => {
                let number = archive.files.len();
                archive.files.push(self.file(number, entry.size, tar)?);
                Name::File(number)
            }
            Kind::HardLink => Name::Link(clean(&String::from_utf8_lossy(&entry.link)).unwrap_or_default()),
            Kind::Symlink => {
                let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
                Name::Link(clean(&format!("{directory}/{}", String::from_utf8_lossy(&entry.link))).unwrap_or_default())
            }
            Kind::Directory | Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::Other(_) => return Ok(()),
        };
        archive.names.insert(name, meant);
        Ok(())
    }

    fn file<R: BufRead>(&self, number: usize, size: u64, tar: &mut TarReader<R>) -> Result<Staged, LoadError> {
        let perhaps_known = self.known.iter().any(|(known, _)| *known == size);
        let mut receiving = Receiving::new(self, number)?;
        let mut layer = None;
        loop {
            let data = tar.fill_data()?;
            if data.is_empty() {
                break;
            }
            if receiving.size_bytes == 0 && may_be_layer(data) {
                layer = Some(Compression::of(data));
                if !perhaps_known {
                    receiving.unpack(Compression::of(data));
                }
            }
            receiving.add(data)?;
            let length = data.len();
            tar.consume_data(length);
        }
        receiving.file.finish();
        let digest = Digest::from_bytes(receiving.hash.clone().finalize().into());
        if let Some(compression) = layer.filter(|_| perhaps_known && !self.known.contains(&(size, digest))) {
            receiving.unpack(compression);
        }
        Ok(receiving.finish())
    }

    /// Receives one layer that is all of the stream.
    pub(super) fn layer(&self, reader: &mut (dyn Read + Send)) -> Result<Staged, LoadError> {
        let (start, mut reader) = peek(reader)?;
        let mut receiving = Receiving::new(self, 0)?;
        receiving.unpack(Compression::of(&start));
        let mut buffer = vec![0; 256 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(receiving.finish()),
                Ok(length) => receiving.add(&buffer[..length])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TarError::Read(error).into()),
            }
        }
    }
}

/// One file being received. Dropped unfinished, its readers fail.
struct Receiving<'a> {
    staging: &'a Staging<'a>,
    number: usize,
    path: PathBuf,
    file: Arc<Growing>,
    hash: sha2::Sha256,
    size_bytes: u64,
    compression: Compression,
    unpacking: Option<Arc<Job>>,
}

impl<'a> Receiving<'a> {
    fn new(staging: &'a Staging<'a>, number: usize) -> Result<Self, LoadError> {
        let path = staging.directory.join(format!("{number}.blob"));
        let file = Growing::create(&path).map_err(StoreError::io("create", &path))?;
        let hash = sha2::Sha256::new();
        Ok(Self {
            staging,
            number,
            path,
            file,
            hash,
            size_bytes: 0,
            compression: Compression::Plain,
            unpacking: None,
        })
    }

    fn unpack(&mut self, compression: Compression) {
        let directory = self.staging.directory.join(format!("{}.layer", self.number));
        let job = Job::new(Arc::clone(&self.file), compression, directory);
        self.staging.unpackers.submit(&job);
        self.unpacking = Some(job);
    }

    fn add(&mut self, data: &[u8]) -> Result<(), LoadError> {
        if self.size_bytes == 0 {
            self.compression = Compression::of(data);
        }
        self.file.append(data).map_err(StoreError::io("write", &self.path))?;
        self.hash.update(data);
        self.size_bytes += data.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Staged {
        self.file.finish();
        let digest = Digest::from_bytes(std::mem::take(&mut self.hash).finalize().into());
        let (compression, unpacking) = (self.compression, self.unpacking.take());
        Staged {
            path: std::mem::take(&mut self.path),
            size_bytes: self.size_bytes,
            digest,
            compression,
            unpacking,
        }
    }
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        // Without effect if it was finished.
        self.file.abandon();
    }
}

impl Archive {
    /// The file that `name` means, through links.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let mut name = clean(name)?;
        for _ in 0..LINKS_MAX {
            match self.names.get(&name)? {
                Name::File(number) => return Some(*number),
                Name::Link(target) => name = target.clone(),
            }
        }
        None
    }

    /// A small file's content; none if there is no such file.
    pub(super) fn document(&self, name: &str) -> Result<Option<Vec<u8>>, LoadError> {
        let Some(number) = self.find(name) else { return Ok(None) };
        let file = &self.files[number];
        if file.size_bytes > DOCUMENT_BYTES_MAX {
            return Err(LoadError::Archive(format!("{name} is too large")));
        }
        Ok(Some(
            std::fs::read(&file.path).map_err(StoreError::io("read", &file.path))?,
        ))
    }
}

/// What a stream begins with, and the stream with it.
fn peek<'r>(reader: &'r mut (dyn Read + Send)) -> Result<(Vec<u8>, impl Read + 'r), LoadError> {
    let mut start = Vec::new();
    (&mut *reader).take(8).read_to_end(&mut start).map_err(TarError::Read)?;
    Ok((start.clone(), std::io::Cursor::new(start).chain(reader)))
}

/// A compressed stream, or the first block of a tar.
fn may_be_layer(start: &[u8]) -> bool {
    Compression::of(start) != Compression::Plain || start.get(257..262) == Some(b"ustar") || is_zeros(start)
}

/// An empty layer is a tar of zero blocks alone.
fn is_zeros(start: &[u8]) -> bool {
    start.len() >= 512 && start[..512].iter().all(|&byte| byte == 0)
}

/// A name without `.`, empty and `..` components; none if it would rise above the archive's root.
fn clean(name: &str) -> Option<String> {
    let mut components = Vec::new();
    for component in name.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop()?;
            }
            component => components.push(component),
        }
    }
    Some(components.join("/"))
}
