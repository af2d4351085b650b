//! What `GET /containers/{id}/top` answers.

use serde::{Deserialize, Serialize};

use crate::List;

/// Processes as a table. Engine API v1.51 ContainerTopResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerTop {
    /// One row per process, one cell per title.
    pub processes: List<List<String>>,
    /// Column titles.
    pub titles: List<String>,
}
