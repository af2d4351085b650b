//! What `GET /containers/{id}/changes` answers: a list of these, or null.

use serde::{Deserialize, Serialize};

/// One path that differs from the image. Engine API v1.51 FilesystemChange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FilesystemChange {
    /// Absolute path inside the container.
    pub path: String,
    /// 0 modified, 1 added, 2 deleted.
    pub kind: u8,
}
