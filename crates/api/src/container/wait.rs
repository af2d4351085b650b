//! What `POST /containers/{id}/wait` answers.

use serde::{Deserialize, Serialize};

/// How a container ended. Engine API v1.51 ContainerWaitResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct WaitResponse {
    /// Why waiting failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WaitError>,
    /// Exit code.
    pub status_code: i64,
}

/// Why waiting failed. Engine API v1.51 ContainerWaitExitError.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct WaitError {
    /// What happened.
    pub message: String,
}
