//! Volumes on the wire.

use serde::{Deserialize, Serialize};

use crate::{List, Map, is_zero};

/// One volume. Engine API v1.51 Volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Volume {
    /// When it was made, whole seconds.
    pub created_at: String,
    /// Driver.
    pub driver: String,
    /// Labels.
    pub labels: Map<String>,
    /// Path on the host.
    pub mountpoint: String,
    /// Name.
    pub name: String,
    /// Driver options.
    pub options: Map<String>,
    /// `local` or `global`.
    pub scope: String,
    /// The driver's own facts; absent if none.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub status: Map<serde_json::Value>,
    /// Disk usage; only in `GET /system/df`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_data: Option<VolumeUsage>,
}

/// Disk usage of a volume. Engine API v1.51 Volume.UsageData.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeUsage {
    /// Containers that use it; -1 unknown.
    pub ref_count: i64,
    /// Bytes; -1 unknown.
    pub size: i64,
}

/// What `GET /volumes` answers. Engine API v1.51 VolumeListResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeList {
    /// The volumes.
    pub volumes: List<Volume>,
    /// What the user should know; null if nothing.
    pub warnings: List<String>,
}

/// The body of `POST /volumes/create`. Engine API v1.51 VolumeCreateOptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeCreateBody {
    /// Driver; empty means `local`.
    #[serde(skip_serializing_if = "is_zero")]
    pub driver: String,
    /// Driver options.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub driver_opts: Map<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub labels: Map<String>,
    /// Name; empty means a random one.
    #[serde(skip_serializing_if = "is_zero")]
    pub name: String,
}

/// What `POST /volumes/prune` answers. Engine API v1.51 VolumePruneResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumePruneReport {
    /// Names; `[]` if none.
    pub volumes_deleted: List<String>,
    /// Bytes set free.
    pub space_reclaimed: u64,
}
