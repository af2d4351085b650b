//! Copy-up of what an image has at a volume's place.

use std::os::fd::BorrowedFd;
use std::path::Path;

use super::SnapshotError;

/// Docker's copy-up of a new volume: if `into` is empty and `path` is a directory below `root` (resolved inside it),
/// copies its content with owners, modes, times, extended attributes, hard links, devices; and gives `into` itself
/// the directory's owner and mode. Returns whether something was there to copy from.
///
/// # Errors
/// [`SnapshotError::Io`]; `into` may then be partly filled.
pub fn copy_up(root: BorrowedFd<'_>, path: &Path, into: &Path) -> Result<bool, SnapshotError> {
    unimplemented!("copy {} of {root:?} to {}", path.display(), into.display())
}
