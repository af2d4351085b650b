//! One entry of `GET /images/json`.

use serde::{Deserialize, Serialize};

use crate::{List, Map};

/// One image of a list. Engine API v1.51 ImageSummary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageSummary {
    /// Containers that use it; -1 where not counted.
    pub containers: i64,
    /// Seconds since 1970.
    pub created: i64,
    /// Digest of the configuration.
    pub id: String,
    /// Labels.
    pub labels: Map<String>,
    /// Parent image of a classic build.
    pub parent_id: String,
    /// `repository@digest` references.
    pub repo_digests: List<String>,
    /// `repository:tag` references; `[]` if none.
    pub repo_tags: List<String>,
    /// Bytes shared with other images; -1 where not counted.
    pub shared_size: i64,
    /// Bytes of all layers, unpacked.
    pub size: i64,
}
