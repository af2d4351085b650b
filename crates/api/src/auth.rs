//! Registry credentials as clients send them.

use serde::{Deserialize, Serialize};

use crate::is_zero;

/// The body of `POST /auth` and, encoded, the `X-Registry-Auth` header. Engine API v1.51 AuthConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthConfig {
    /// User name.
    pub username: String,
    /// Password or access token.
    pub password: String,
    /// The registry they are for.
    pub serveraddress: String,
    /// Identity token that replaces user name and password.
    pub identitytoken: String,
    /// Bearer token for the registry itself.
    pub registrytoken: String,
}

/// What `POST /auth` answers. Engine API v1.51 SystemAuthResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AuthResponse {
    /// A token that replaces the password from now on; empty if the registry gives none.
    #[serde(skip_serializing_if = "is_zero")]
    pub identity_token: String,
    /// What the registry said.
    pub status: String,
}
