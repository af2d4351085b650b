//! Registry credentials as clients send them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE};
use serde::{Deserialize, Serialize};

use crate::is_zero;

/// With padding or without, as clients differ.
const URL_SAFE_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The body of `POST /auth` and, encoded, the `X-Registry-Auth` header. Engine API v1.51 AuthConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthConfig {
    /// User name.
    #[serde(skip_serializing_if = "is_zero")]
    pub username: String,
    /// Password or access token.
    #[serde(skip_serializing_if = "is_zero")]
    pub password: String,
    /// The registry they are for.
    #[serde(skip_serializing_if = "is_zero")]
    pub serveraddress: String,
    /// Identity token that replaces user name and password.
    #[serde(skip_serializing_if = "is_zero")]
    pub identitytoken: String,
    /// Bearer token for the registry itself.
    #[serde(skip_serializing_if = "is_zero")]
    pub registrytoken: String,
}

impl AuthConfig {
    /// Reads such a value; what is none means nobody, as in Docker.
    #[must_use]
    pub fn from_header(value: &str) -> Self {
        let bytes = URL_SAFE_LENIENT.decode(value).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// The value of `X-Registry-Auth`: JSON in base64 for URLs, padded.
    #[must_use]
    pub fn to_header(&self) -> String {
        URL_SAFE.encode(serde_json::to_vec(self).expect("a struct of texts is JSON"))
    }
}

/// What `POST /auth` answers. Engine API v1.51 SystemAuthResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AuthResponse {
    /// A token that replaces the password from now on; empty if the registry gives none.
    pub identity_token: String,
    /// What the registry said.
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_as_docker_writes_it() {
        assert_eq!(AuthConfig::default().to_header(), "e30=");
        let auth = AuthConfig {
            username: "a".to_owned(),
            password: "?>".to_owned(),
            ..AuthConfig::default()
        };
        assert_eq!(auth.to_header(), "eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6Ij8-In0=");
        for value in [
            "eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6Ij8-In0=",
            "eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6Ij8-In0",
        ] {
            assert_eq!(AuthConfig::from_header(value), auth);
        }
        assert_eq!(AuthConfig::from_header("!"), AuthConfig::default());
    }
}
