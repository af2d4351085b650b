//! What `GET /images/{name}/json` answers.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::container::{DriverData, HealthConfig};
use crate::{Empty, List, Map, StringList, is_zero};

/// Everything about one image. Engine API v1.51 ImageInspect.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageInspect {
    /// Digest of the configuration.
    pub id: String,
    /// `repository:tag` references.
    pub repo_tags: List<String>,
    /// `repository@digest` references.
    pub repo_digests: List<String>,
    /// Parent image of a classic build.
    pub parent: String,
    /// Comment.
    pub comment: String,
    /// When it was made; empty if its configuration does not say.
    #[serde(skip_serializing_if = "is_zero")]
    pub created: String,
    /// Version of the engine that made it.
    pub docker_version: String,
    /// Author.
    pub author: String,
    /// Go's name of the architecture.
    pub architecture: String,
    /// Variant of the architecture.
    #[serde(skip_serializing_if = "is_zero")]
    pub variant: String,
    /// Operating system.
    pub os: String,
    /// Its version (Windows).
    #[serde(skip_serializing_if = "is_zero")]
    pub os_version: String,
    /// Bytes of all layers, unpacked.
    pub size: i64,
    /// Where the top layer lies.
    pub graph_driver: DriverData,
    /// Layers.
    #[serde(rename = "RootFS")]
    pub root_fs: RootFs,
    /// What only this engine knows.
    pub metadata: ImageMetadata,
    /// What containers inherit.
    pub config: Option<ImageConfig>,
}

/// Layers of an image. Engine API v1.51 ImageInspect.RootFS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RootFs {
    /// `layers`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Digests of the uncompressed layers, lowest first.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub layers: List<String>,
}

/// What only this engine knows of an image. Engine API v1.51 ImageInspect.Metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageMetadata {
    /// When it last got a name here; zero if never.
    pub last_tag_time: Timestamp,
}

/// What containers inherit from an image. Keys are sorted, unset ones that OCI knows are shown.
/// Engine API v1.51 ImageConfig; observed: dockerd 28.5.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageConfig {
    /// Windows only.
    #[serde(skip_serializing_if = "is_zero")]
    pub args_escaped: bool,
    /// Command.
    pub cmd: StringList,
    /// Entrypoint.
    pub entrypoint: StringList,
    /// Variables.
    pub env: List<String>,
    /// Ports it listens on.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub exposed_ports: Map<Empty>,
    /// Health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<HealthConfig>,
    /// Labels.
    pub labels: Map<String>,
    /// Triggers.
    pub on_build: List<String>,
    /// Shell of the shell forms.
    #[serde(skip_serializing_if = "StringList::is_empty_list")]
    pub shell: StringList,
    /// Stop signal.
    #[serde(skip_serializing_if = "is_zero")]
    pub stop_signal: String,
    /// User.
    pub user: String,
    /// Paths that get volumes.
    pub volumes: Map<Empty>,
    /// Working directory.
    pub working_dir: String,
}
