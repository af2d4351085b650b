//! What is in every container's root before anything of its own.

use corten_runtime::plan::Link;

/// Where old programs look for the table of mounts, and where it is.
pub(crate) const MOUNT_TABLE: (&str, &str) = ("/etc/mtab", "/proc/mounts");

/// Links that the image may have instead.
pub(super) fn links() -> Vec<Link> {
    let (path, target) = MOUNT_TABLE;
    vec![Link {
        path: path.into(),
        target: target.into(),
    }]
}
