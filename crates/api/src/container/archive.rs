//! What the header `X-Docker-Container-Path-Stat` of the archive calls carries, in standard base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

impl PathStat {
    /// Reads the header.
    ///
    /// # Errors
    /// It is not base64, or not such JSON.
    pub fn from_header(text: &[u8]) -> Result<Self, PathStatError> {
        let json = STANDARD.decode(text).map_err(|_| PathStatError::Base64)?;
        serde_json::from_slice(&json).map_err(PathStatError::Json)
    }

    /// Writes the header.
    #[must_use]
    pub fn to_header(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).expect("a struct of texts and numbers is JSON"))
    }
}

/// The header is not what the API promises.
#[derive(Debug)]
pub enum PathStatError {
    /// Not base64.
    Base64,
    /// Not JSON of this shape.
    Json(serde_json::Error),
}

impl std::fmt::Display for PathStatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Base64 => f.write_str("unable to decode container path stat header: not base64"),
            Self::Json(error) => write!(f, "unable to decode container path stat header: {error}"),
        }
    }
}

impl std::error::Error for PathStatError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed: dockerd 28.5, `HEAD /containers/aa/archive?path=/etc`.
    const HEADER: &str = "eyJuYW1lIjoiZXRjIiwic2l6ZSI6NDA5NiwibW9kZSI6MjE0NzQ4NDE0MSwibXRpbWUiOiIyMDI2LTExLTI2VDA2OjI2OjQ2Ljc5MzcxMzA3M1oiLCJsaW5rVGFyZ2V0IjoiIn0=";

    #[test]
    fn the_header_both_ways() {
        let stat = PathStat::from_header(HEADER.as_bytes()).unwrap();
        assert_eq!((stat.name.as_str(), stat.size), ("etc", 4096));
        assert!(stat.is_directory() && !stat.is_symlink());
        assert_eq!(stat.mode & 0o7777, 0o755);
        assert_eq!(stat.to_header(), HEADER);
        assert!(PathStat::from_header(b"!").is_err());
        assert!(PathStat::from_header(b"MQ==").is_err());
    }
}
