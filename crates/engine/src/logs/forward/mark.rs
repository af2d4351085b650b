//! `forwarded` in a container's directory: how far its log was sent on.
//!
//! ```text
//! | inode of the log file u64 LE | offset behind the last record sent u64 LE |
//! ```
//! Written in place: 16 bytes that a kill leaves whole. A power failure may leave an older one, or none: then
//! records are sent again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::logs::cursor::Mark;
use crate::logs::source::found;

const NAME: &str = "forwarded";

pub(super) fn read(directory: &Path) -> io::Result<Option<Mark>> {
    let Some(file) = found(File::open(directory.join(NAME)))? else {
        return Ok(None);
    };
    let mut bytes = [0; 16];
    if file.read_exact_at(&mut bytes, 0).is_err() {
        return Ok(None);
    }
    let (inode, offset) = bytes.split_at(8);
    let number = |part: &[u8]| part.try_into().map(u64::from_le_bytes).unwrap_or(0);
    Ok(Some(Mark {
        inode: number(inode),
        offset: number(offset),
    }))
}

/// A container that is removed meanwhile needs none.
pub(super) fn write(directory: &Path, mark: Mark) -> io::Result<()> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(NAME));
    let Some(file) = found(file)? else { return Ok(()) };
    let bytes = [mark.inode.to_le_bytes(), mark.offset.to_le_bytes()].concat();
    file.write_all_at(&bytes, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
        for offset in [7, 1 << 40] {
            let mark = Mark { inode: 3, offset };
            write(directory.path(), mark).unwrap();
            assert_eq!(read(directory.path()).unwrap(), Some(mark));
        }
        assert!(write(&directory.path().join("gone"), Mark { inode: 1, offset: 1 }).is_ok());
    }
}
