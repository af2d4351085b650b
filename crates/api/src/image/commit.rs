//! What `POST /commit` answers.

use serde::{Deserialize, Serialize};

/// The image that was made. Engine API v1.51 IDResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IdResponse {
    /// Its id.
    pub id: String,
}
