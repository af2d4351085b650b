//! What `POST /containers/prune` answers.

use serde::{Deserialize, Serialize};

use crate::List;

/// What was removed. Engine API v1.51 ContainerPruneResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerPruneReport {
    /// Full ids; null if none.
    pub containers_deleted: List<String>,
    /// Bytes set free.
    pub space_reclaimed: u64,
}
