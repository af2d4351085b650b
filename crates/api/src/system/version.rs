//! What `GET /version` answers.

use serde::{Deserialize, Serialize};

use crate::{List, Map, is_zero};

/// Versions. Engine API v1.51 SystemVersion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SystemVersion {
    /// The product.
    pub platform: PlatformVersion,
    /// Its parts; the first repeats the fields below.
    pub components: List<ComponentVersion>,
    /// Engine version.
    pub version: String,
    /// Newest API version served.
    pub api_version: String,
    /// Oldest API version served.
    #[serde(rename = "MinAPIVersion")]
    pub min_api_version: String,
    /// Commit.
    pub git_commit: String,
    /// Go's version in Docker; clients print it.
    pub go_version: String,
    /// Operating system.
    pub os: String,
    /// Go's name of the architecture.
    pub arch: String,
    /// Kernel release.
    #[serde(skip_serializing_if = "is_zero")]
    pub kernel_version: String,
    /// Whether experimental features are on.
    #[serde(skip_serializing_if = "is_zero")]
    pub experimental: bool,
    /// When it was built.
    #[serde(skip_serializing_if = "is_zero")]
    pub build_time: String,
}

/// The product. Engine API v1.51 SystemVersion.Platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PlatformVersion {
    /// Its name.
    pub name: String,
}

/// One part. Engine API v1.51 SystemVersion.Components.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ComponentVersion {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// More about it.
    pub details: Map<String>,
}
