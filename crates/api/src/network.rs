//! Networks on the wire.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{List, Map, is_zero};

/// One network. Engine API v1.51 Network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Network {
    /// Name.
    pub name: String,
    /// Full id.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// `local`, `swarm` or `global`.
    pub scope: String,
    /// Driver.
    pub driver: String,
    /// Whether it has IPv4.
    #[serde(rename = "EnableIPv4")]
    pub enable_ipv4: bool,
    /// Whether it has IPv6.
    #[serde(rename = "EnableIPv6")]
    pub enable_ipv6: bool,
    /// Address management.
    #[serde(rename = "IPAM")]
    pub ipam: Ipam,
    /// Whether it has no way out.
    pub internal: bool,
    /// Whether containers may join a swarm network by hand.
    pub attachable: bool,
    /// Whether it is the swarm's ingress network.
    pub ingress: bool,
    /// The network whose configuration it uses.
    pub config_from: ConfigReference,
    /// Whether it only holds configuration.
    pub config_only: bool,
    /// Endpoints by container id; `{}` in lists.
    pub containers: Map<NetworkContainer>,
    /// Driver options.
    pub options: Map<String>,
    /// Labels.
    pub labels: Map<String>,
}

/// Address management. Engine API v1.51 IPAM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Ipam {
    /// Driver.
    pub driver: String,
    /// Driver options.
    pub options: Map<String>,
    /// Address pools; null for `host` and `none`.
    pub config: List<IpamConfig>,
}

/// One address pool. Engine API v1.51 IPAMConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IpamConfig {
    /// Subnet in CIDR form.
    #[serde(skip_serializing_if = "is_zero")]
    pub subnet: String,
    /// The part of it that containers get.
    #[serde(rename = "IPRange", skip_serializing_if = "is_zero")]
    pub ip_range: String,
    /// Gateway.
    #[serde(skip_serializing_if = "is_zero")]
    pub gateway: String,
    /// Addresses in other use, by name.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub auxiliary_addresses: Map<String>,
}

/// A reference to a configuration-only network. Engine API v1.51 ConfigReference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ConfigReference {
    /// Its name.
    pub network: String,
}

/// One endpoint as inspect shows it. Engine API v1.51 NetworkContainer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkContainer {
    /// Container name without slash.
    pub name: String,
    /// Endpoint id.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// Hardware address.
    pub mac_address: String,
    /// Address in CIDR form.
    #[serde(rename = "IPv4Address")]
    pub ipv4_address: String,
    /// Address in CIDR form.
    #[serde(rename = "IPv6Address")]
    pub ipv6_address: String,
}
