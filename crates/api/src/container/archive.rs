//! What the header `X-Docker-Container-Path-Stat` of the archive calls carries, in standard base64.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

/// One path inside a container. Engine API v1.51 ContainerArchiveInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PathStat {
    /// The last part of the path.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Type and permissions as Go's `fs.FileMode` packs them.
    pub mode: u32,
    /// Last change of its content.
    pub mtime: Timestamp,
    /// Where a symbolic link leads, resolved inside the container; empty for everything else.
    #[serde(rename = "linkTarget")]
    pub link_target: String,
}

impl PathStat {
    /// Go's bit for a directory.
    pub const DIRECTORY: u32 = 1 << 31;
    /// Go's bit for a symbolic link.
    pub const SYMLINK: u32 = 1 << 27;

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode & Self::DIRECTORY != 0
    }

    /// Whether it is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.mode & Self::SYMLINK != 0
    }
}
