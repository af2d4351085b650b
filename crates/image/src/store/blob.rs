//! Reading a layer's blob, in whichever form it is stored.

use std::fs::File;
use std::io::{self, Read};

use super::{LayerRecord, Store, StoreError};
use crate::outline::OutlineReader;

/// The bytes of a blob.
#[derive(Debug)]
pub(crate) enum Blob {
    /// Stored as it is.
    Whole(File),
    /// Put together from its outline. Its last read fails where that is not what the digest says.
    Outline(Box<OutlineReader>),
}

impl Store {
    /// Opens the blob of a layer that stays in the store meanwhile.
    pub(crate) fn open_blob(&self, layer: &LayerRecord) -> Result<Blob, StoreError> {
        let path = self.blob_path(&layer.blob);
        match File::open(&path) {
            Ok(file) => return Ok(Blob::Whole(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("open", &path)(error)),
        }
        let outline = self.outline_path(&layer.blob);
        let reader = OutlineReader::open(&outline, &self.diff_path(&layer.key), layer.blob);
        let reader = reader.map_err(StoreError::io("open", &outline))?;
        Ok(Blob::Outline(Box::new(reader)))
    }
}

impl Read for Blob {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Whole(file) => file.read(into),
            Self::Outline(reader) => reader.read(into),
        }
    }
}
