//! The body of every answer that is not a success: `{"message":"..."}` and a newline.

use serde::{Deserialize, Serialize};

/// The error body. Engine API v1.51 ErrorResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// What failed, in Docker's words where Docker has them.
    pub message: String,
}
