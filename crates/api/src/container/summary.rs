//! One entry of `GET /containers/json`.

use serde::{Deserialize, Serialize};

use super::{EndpointSettings, MountPoint};
use crate::{List, Map, is_zero};

/// One container of a list. Engine API v1.51 ContainerSummary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerSummary {
    /// Full id.
    pub id: String,
    /// Names with a leading slash.
    pub names: List<String>,
    /// The image as named at creation, or its id where that name is another image's now.
    pub image: String,
    /// Image id.
    #[serde(rename = "ImageID")]
    pub image_id: String,
    /// Program and arguments, joined by spaces.
    pub command: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Ports, published and exposed; `[]` if none.
    pub ports: List<Port>,
    /// Bytes written; only when asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub size_rw: i64,
    /// Bytes of the whole root; only when asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub size_root_fs: i64,
    /// Labels.
    pub labels: Map<String>,
    /// `created`, `running`, ...
    pub state: String,
    /// The state for people, like `Up 5 minutes (healthy)`.
    pub status: String,
    /// Network mode.
    pub host_config: SummaryHostConfig,
    /// Endpoints.
    pub network_settings: SummaryNetworkSettings,
    /// Volumes and binds.
    pub mounts: List<MountPoint>,
}

/// What the table of a list shows of a container: reading no more than that is several times faster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerBrief {
    /// As in [`ContainerSummary`], and so all others.
    pub id: String,
    /// Names with a leading slash.
    pub names: List<String>,
    /// The image's name.
    pub image: String,
    /// The image's id.
    #[serde(rename = "ImageID")]
    pub image_id: String,
    /// Program and arguments.
    pub command: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Ports.
    pub ports: List<Port>,
    /// `created`, `running`, ...
    pub state: String,
    /// The state for people.
    pub status: String,
}

impl From<ContainerBrief> for ContainerSummary {
    fn from(brief: ContainerBrief) -> Self {
        let ContainerBrief {
            id,
            names,
            image,
            image_id,
            command,
            created,
            ports,
            state,
            status,
        } = brief;
        Self {
            id,
            names,
            image,
            image_id,
            command,
            created,
            ports,
            state,
            status,
            ..Self::default()
        }
    }
}

/// What a list shows of the host configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SummaryHostConfig {
    /// Network mode.
    #[serde(skip_serializing_if = "is_zero")]
    pub network_mode: String,
    /// OCI annotations.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub annotations: Map<String>,
}

/// What a list shows of the network settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SummaryNetworkSettings {
    /// Endpoints by network name.
    pub networks: Map<EndpointSettings>,
}

/// One port of a list. Engine API v1.51 Port.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Port {
    /// Host address; absent where not published.
    #[serde(rename = "IP", skip_serializing_if = "is_zero")]
    pub ip: String,
    /// Port in the container.
    pub private_port: u16,
    /// Port on the host; absent where not published.
    #[serde(skip_serializing_if = "is_zero")]
    pub public_port: u16,
    /// `tcp`, `udp` or `sctp`.
    #[serde(rename = "Type")]
    pub kind: String,
}
