//! Mounts: as asked for in their long form ([`Mount`]) and as inspect and list show them ([`MountPoint`]).

use serde::{Deserialize, Serialize};

use crate::{List, Map, is_zero};

/// A mount asked for. Engine API v1.51 Mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`, `image`, `npipe` or `cluster`.
    #[serde(rename = "Type", skip_serializing_if = "is_zero")]
    pub kind: String,
    /// Host path, volume name or image.
    #[serde(skip_serializing_if = "is_zero")]
    pub source: String,
    /// Path in the container.
    #[serde(skip_serializing_if = "is_zero")]
    pub target: String,
    /// Whether it is read-only.
    #[serde(skip_serializing_if = "is_zero")]
    pub read_only: bool,
    /// `default`, `consistent`, `cached`, `delegated`: ignored on Linux.
    #[serde(skip_serializing_if = "is_zero")]
    pub consistency: String,
    /// For `bind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_options: Option<BindOptions>,
    /// For `volume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_options: Option<VolumeOptions>,
    /// For `image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_options: Option<ImageOptions>,
    /// For `tmpfs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmpfs_options: Option<TmpfsOptions>,
    /// For `cluster`: no options exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_options: Option<crate::Empty>,
}

/// Options of a bind mount. Engine API v1.51 Mount.BindOptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BindOptions {
    /// `private`, `rprivate`, `shared`, `rshared`, `slave`, `rslave` or empty.
    #[serde(skip_serializing_if = "is_zero")]
    pub propagation: String,
    /// Whether mounts below the source stay out.
    #[serde(skip_serializing_if = "is_zero")]
    pub non_recursive: bool,
    /// Whether a missing source is made.
    #[serde(skip_serializing_if = "is_zero")]
    pub create_mountpoint: bool,
    /// Whether read-only leaves mounts below writable.
    #[serde(skip_serializing_if = "is_zero")]
    pub read_only_non_recursive: bool,
    /// Whether it fails if mounts below cannot be made read-only.
    #[serde(skip_serializing_if = "is_zero")]
    pub read_only_force_recursive: bool,
}

/// Options of a volume mount. Engine API v1.51 Mount.VolumeOptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeOptions {
    /// Whether the image's content is not copied into a new volume.
    #[serde(skip_serializing_if = "is_zero")]
    pub no_copy: bool,
    /// Labels of a new volume.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub labels: Map<String>,
    /// Path within the volume.
    #[serde(skip_serializing_if = "is_zero")]
    pub subpath: String,
    /// Driver of a new volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_config: Option<DriverConfig>,
}

/// A volume driver and its options. Engine API v1.51 Mount.VolumeOptions.DriverConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DriverConfig {
    /// Driver name.
    #[serde(skip_serializing_if = "is_zero")]
    pub name: String,
    /// Driver options.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub options: Map<String>,
}

/// Options of an image mount. Engine API v1.51 Mount.ImageOptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageOptions {
    /// Path within the image.
    #[serde(skip_serializing_if = "is_zero")]
    pub subpath: String,
}

/// Options of a tmpfs mount. Engine API v1.51 Mount.TmpfsOptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TmpfsOptions {
    /// Most bytes; 0 means the kernel's default.
    #[serde(skip_serializing_if = "is_zero")]
    pub size_bytes: i64,
    /// Permission bits of its root; 0 means 1777.
    #[serde(skip_serializing_if = "is_zero")]
    pub mode: u32,
    /// Mount options, each `[name]` or `[name, value]`.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub options: List<List<String>>,
}

/// A mount as shown. Engine API v1.51 MountPoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MountPoint {
    /// `bind`, `volume`, `tmpfs`, ...
    #[serde(rename = "Type", skip_serializing_if = "is_zero")]
    pub kind: String,
    /// Volume name.
    #[serde(skip_serializing_if = "is_zero")]
    pub name: String,
    /// Path on the host.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// Volume driver.
    #[serde(skip_serializing_if = "is_zero")]
    pub driver: String,
    /// The options as given, like `z` or `ro`.
    pub mode: String,
    /// Whether it is writable.
    #[serde(rename = "RW")]
    pub rw: bool,
    /// Propagation; empty for volumes.
    pub propagation: String,
}
