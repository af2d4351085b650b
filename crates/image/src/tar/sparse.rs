//! Files with holes: the old GNU form (type `S`, map in the header and extension blocks) and the PAX forms 0.0, 0.1
//! (map in the extended header) and 1.0 (map as text before the content) (GNU tar manual, "Sparse Formats").

use std::io::BufRead;

use super::pax::{self, Pax};
use super::{BLOCK, SPECIAL_BYTES_MAX, TarEntry, TarError, TarReader};

/// A piece of content and where in the file it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Segments in one map; each takes at least four bytes of a bounded text.
const SEGMENTS_MAX: usize = 1 << 18;

/// Finds out whether the entry at hand has holes, and if so sets its map, true size and name.
pub(super) fn resolve<R: BufRead>(
    reader: &mut TarReader<R>,
    header: &tar::Header,
    pax: &Pax,
    entry: &mut TarEntry,
) -> Result<(), TarError> {
    let segments = if header.entry_type().as_byte() == b'S' {
        let gnu = header.as_gnu().ok_or(TarError::Header)?;
        entry.size = gnu.real_size().map_err(|_| TarError::Header)?;
        old_gnu(reader, gnu)?
    } else if pax.get("GNU.sparse.major") == Some(b"1") && pax.get("GNU.sparse.minor") == Some(b"0") {
        let segments = text_map(reader)?;
        set_pax_size(pax, entry)?;
        segments
    } else if let Some(map) = pax.get("GNU.sparse.map") {
        let numbers = map
            .split(|&byte| byte == b',')
            .map(pax::number)
            .collect::<Result<Vec<_>, _>>()?;
        set_pax_size(pax, entry)?;
        pairs(&numbers)?
    } else if pax.get("GNU.sparse.numblocks").is_some() {
        let wanted = |key: &[u8]| key == b"GNU.sparse.offset" || key == b"GNU.sparse.numbytes";
        let values = pax
            .records()
            .filter(|(key, _)| wanted(key))
            .map(|(_, value)| pax::number(value));
        let numbers = values.collect::<Result<Vec<_>, _>>()?;
        set_pax_size(pax, entry)?;
        pairs(&numbers)?
    } else {
        return Ok(());
    };
    check(&segments, entry.size, reader.data_left)?;
    entry.sparse = Some(segments);
    Ok(())
}

fn set_pax_size(pax: &Pax, entry: &mut TarEntry) -> Result<(), TarError> {
    let size = pax.number("GNU.sparse.realsize")?;
    let size = if size.is_some() {
        size
    } else {
        pax.number("GNU.sparse.size")?
    };
    entry.size = size.ok_or(TarError::Header)?;
    if let Some(name) = pax.text("GNU.sparse.name") {
        entry.path = name;
    }
    Ok(())
}

fn old_gnu<R: BufRead>(reader: &mut TarReader<R>, gnu: &tar::GnuHeader) -> Result<Vec<Segment>, TarError> {
    let mut segments = Vec::new();
    add_headers(&gnu.sparse, &mut segments)?;
    let mut more = gnu.is_extended();
    let (data_left, padding) = (reader.data_left, reader.padding);
    while more {
        let mut block = tar::GnuExtSparseHeader::new();
        let mut bytes = [0; BLOCK];
        if !reader.read_block(&mut bytes)? {
            return Err(TarError::Truncated);
        }
        block.as_mut_bytes().copy_from_slice(&bytes);
        add_headers(&block.sparse, &mut segments)?;
        more = block.is_extended();
    }
    (reader.data_left, reader.padding) = (data_left, padding);
    Ok(segments)
}

fn add_headers(headers: &[tar::GnuSparseHeader], segments: &mut Vec<Segment>) -> Result<(), TarError> {
    for header in headers.iter().filter(|header| !header.is_empty()) {
        let offset = header.offset().map_err(|_| TarError::Header)?;
        let length = header.length().map_err(|_| TarError::Header)?;
        segments.push(Segment { offset, length });
    }
    if segments.len() > SEGMENTS_MAX {
        Err(TarError::FieldTooLong)
    } else {
        Ok(())
    }
}

/// The map of PAX 1.0: decimal lines at the start of the content, filled up to a whole block.
fn text_map<R: BufRead>(reader: &mut TarReader<R>) -> Result<Vec<Segment>, TarError> {
    let mut read = 0u64;
    let mut line = |reader: &mut TarReader<R>| -> Result<u64, TarError> {
        let mut text = Vec::new();
        loop {
            let byte = *reader.fill_data()?.first().ok_or(TarError::Header)?;
            reader.consume_data(1);
            read += 1;
            if read > SPECIAL_BYTES_MAX {
                return Err(TarError::FieldTooLong);
            }
            if byte == b'\n' {
                return pax::number(&text);
            }
            text.push(byte);
        }
    };
    let count = usize::try_from(line(reader)?)
        .ok()
        .filter(|&count| count <= SEGMENTS_MAX)
        .ok_or(TarError::Header)?;
    let mut numbers = Vec::new();
    for _ in 0..count * 2 {
        numbers.push(line(reader)?);
    }
    let mut fill = read.wrapping_neg() % BLOCK as u64;
    while fill > 0 {
        let available = reader.fill_data()?.len();
        let length = available.min(usize::try_from(fill).unwrap_or(BLOCK));
        if length == 0 {
            return Err(TarError::Header);
        }
        reader.consume_data(length);
        fill -= length as u64;
    }
    pairs(&numbers)
}

fn pairs(numbers: &[u64]) -> Result<Vec<Segment>, TarError> {
    if !numbers.len().is_multiple_of(2) {
        return Err(TarError::Header);
    }
    Ok(numbers
        .chunks_exact(2)
        .map(|pair| Segment {
            offset: pair[0],
            length: pair[1],
        })
        .collect())
}

/// Segments must ascend without overlap, end within the file, and add up to the content that follows.
fn check(segments: &[Segment], size: u64, data: u64) -> Result<(), TarError> {
    let (mut end, mut sum) = (0u64, 0u64);
    for segment in segments {
        let next = segment.offset.checked_add(segment.length).ok_or(TarError::Header)?;
        if segment.offset < end || next > size {
            return Err(TarError::Header);
        }
        end = next;
        sum += segment.length;
    }
    if sum == data && i64::try_from(size).is_ok() {
        Ok(())
    } else {
        Err(TarError::Header)
    }
}
