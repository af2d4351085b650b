//! Starting to write a file's content to the disk before anyone waits for it.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// A good amount at a time for whoever writes much: large requests for the disk, and little left at the end.
pub const STEP_BYTES: u64 = 8 << 20;

/// Begins writing `length` bytes (0: all there are) from `offset` on, without waiting for them. No promise of durability:
/// only fsync(2)
/// and syncfs(2) give that, and have less left to do then. See sync_file_range(2), Linux 2.6.17.
pub fn begin(file: BorrowedFd<'_>, offset: u64, length: u64) -> io::Result<()> {
    let (offset, length) = (offset.try_into(), length.try_into());
    let (Ok(offset), Ok(length)) = (offset, length) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // SAFETY: plain numbers and a descriptor that lives through the call; no memory is passed.
    match unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
