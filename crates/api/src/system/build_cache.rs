//! The builder's cache in `GET /system/df` and `POST /build/prune`.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::List;

/// One record of the builder's cache. Engine API v1.51 BuildCache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BuildCache {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Records it was made from.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub parents: List<String>,
    /// `regular`, `internal`, `frontend`, `source.local`, `source.git.checkout`, `exec.cachemount`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// What made it.
    pub description: String,
    /// Whether a build uses it now.
    pub in_use: bool,
    /// Whether several records or images share its content.
    pub shared: bool,
    /// Bytes.
    pub size: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// How often it was used.
    pub usage_count: i64,
}

/// What a prune of the builder's cache removed. Engine API v1.51 BuildPruneResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BuildPruneReport {
    /// Ids of the records; null if none.
    pub caches_deleted: List<String>,
    /// Bytes set free.
    pub space_reclaimed: u64,
}
