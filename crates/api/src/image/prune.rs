//! What `POST /images/prune` answers.

use serde::{Deserialize, Serialize};

use super::ImageDeleteItem;
use crate::List;

/// What was removed. Engine API v1.51 ImagePruneResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImagePruneReport {
    /// Names and images; null if none.
    pub images_deleted: List<ImageDeleteItem>,
    /// Bytes set free.
    pub space_reclaimed: u64,
}
