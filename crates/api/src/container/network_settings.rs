//! Addresses and ports of a container.

use serde::{Deserialize, Serialize};

use super::PortBinding;
use crate::{List, Map, is_zero};

/// Addresses and ports of a container. The fields from `endpoint_id` on repeat the default
/// bridge's endpoint. Engine API v1.51 NetworkSettings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkSettings {
    /// Always empty.
    pub bridge: String,
    /// Id of the network namespace; not empty while it runs.
    #[serde(rename = "SandboxID")]
    pub sandbox_id: String,
    /// Path of the network namespace; not empty while it runs.
    pub sandbox_key: String,
    /// Host addresses by `port/proto`; null where a port is only exposed; `{}` when not running.
    pub ports: Map<List<PortBinding>>,
    /// Deprecated.
    pub hairpin_mode: bool,
    /// Deprecated.
    #[serde(rename = "LinkLocalIPv6Address")]
    pub link_local_ipv6_address: String,
    /// Deprecated.
    #[serde(rename = "LinkLocalIPv6PrefixLen")]
    pub link_local_ipv6_prefix_len: i64,
    /// Deprecated; null.
    #[serde(rename = "SecondaryIPAddresses")]
    pub secondary_ip_addresses: List<Address>,
    /// Deprecated; null.
    #[serde(rename = "SecondaryIPv6Addresses")]
    pub secondary_ipv6_addresses: List<Address>,
    /// Endpoint on the default bridge.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// IPv4 gateway there.
    pub gateway: String,
    /// IPv6 address there.
    #[serde(rename = "GlobalIPv6Address")]
    pub global_ipv6_address: String,
    /// Its prefix length.
    #[serde(rename = "GlobalIPv6PrefixLen")]
    pub global_ipv6_prefix_len: i64,
    /// IPv4 address there.
    #[serde(rename = "IPAddress")]
    pub ip_address: String,
    /// Its prefix length.
    #[serde(rename = "IPPrefixLen")]
    pub ip_prefix_len: i64,
    /// IPv6 gateway there.
    #[serde(rename = "IPv6Gateway")]
    pub ipv6_gateway: String,
    /// Hardware address there.
    pub mac_address: String,
    /// Endpoints by network name.
    pub networks: Map<EndpointSettings>,
}

/// A secondary address. Engine API v1.51 Address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Address {
    /// Address.
    pub addr: String,
    /// Prefix length.
    pub prefix_len: i64,
}

/// One endpoint: asked for (create, connect) and shown (inspect). Engine API v1.51 EndpointSettings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EndpointSettings {
    /// Addresses asked for.
    #[serde(rename = "IPAMConfig")]
    pub ipam_config: Option<EndpointIpamConfig>,
    /// Links.
    pub links: List<String>,
    /// Aliases asked for.
    pub aliases: List<String>,
    /// Hardware address.
    pub mac_address: String,
    /// Driver options.
    pub driver_opts: Map<String>,
    /// Which endpoint gives the default gateway: the highest.
    pub gw_priority: i64,
    /// Network id.
    #[serde(rename = "NetworkID")]
    pub network_id: String,
    /// Endpoint id; empty when not running.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// IPv4 gateway.
    pub gateway: String,
    /// IPv4 address.
    #[serde(rename = "IPAddress")]
    pub ip_address: String,
    /// Its prefix length.
    #[serde(rename = "IPPrefixLen")]
    pub ip_prefix_len: i64,
    /// IPv6 gateway.
    #[serde(rename = "IPv6Gateway")]
    pub ipv6_gateway: String,
    /// IPv6 address.
    #[serde(rename = "GlobalIPv6Address")]
    pub global_ipv6_address: String,
    /// Its prefix length.
    #[serde(rename = "GlobalIPv6PrefixLen")]
    pub global_ipv6_prefix_len: i64,
    /// Names that the network's DNS knows it by; null on the default bridge.
    #[serde(rename = "DNSNames")]
    pub dns_names: List<String>,
}

/// Addresses asked for. Engine API v1.51 EndpointIPAMConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EndpointIpamConfig {
    /// IPv4 address.
    #[serde(rename = "IPv4Address", skip_serializing_if = "is_zero")]
    pub ipv4_address: String,
    /// IPv6 address.
    #[serde(rename = "IPv6Address", skip_serializing_if = "is_zero")]
    pub ipv6_address: String,
    /// Link-local addresses.
    #[serde(rename = "LinkLocalIPs", skip_serializing_if = "List::is_empty_list")]
    pub link_local_ips: List<String>,
}
