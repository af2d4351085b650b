//! What `GET /system/df` answers.

use serde::{Deserialize, Serialize};

use super::BuildCache;
use crate::List;
use crate::container::ContainerSummary;
use crate::image::ImageSummary;
use crate::volume::Volume;

/// Disk usage. Engine API v1.51 SystemDataUsage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DiskUsage {
    /// Bytes of all layers, each counted once.
    pub layers_size: i64,
    /// Images with shared sizes and container counts.
    pub images: List<ImageSummary>,
    /// Containers with sizes.
    pub containers: List<ContainerSummary>,
    /// Volumes with usage.
    pub volumes: List<Volume>,
    /// Build cache records.
    pub build_cache: List<BuildCache>,
}
