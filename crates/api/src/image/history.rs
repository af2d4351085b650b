//! What `GET /images/{name}/history` answers: a list of these, newest first.

use serde::{Deserialize, Serialize};

use crate::List;

/// One step of an image's making. Engine API v1.51 HistoryResponseItem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageHistoryItem {
    /// Comment.
    pub comment: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The command.
    pub created_by: String,
    /// Image id where the step is an image of its own, else `<missing>`.
    pub id: String,
    /// Bytes of its layer.
    pub size: i64,
    /// References to that image; null if none.
    pub tags: List<String>,
}
