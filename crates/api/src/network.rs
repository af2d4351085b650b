//! Networks on the wire.

use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::container::EndpointSettings;
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

/// The body of `POST /networks/create`. Engine API v1.51 NetworkCreateRequest; order of keys
/// observed: docker 28.2.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkCreateBody {
    /// Driver; empty means `bridge`.
    pub driver: String,
    /// `local`, `swarm`, or empty for what the driver does.
    pub scope: String,
    /// Whether it has IPv4; yes if not said.
    #[serde(rename = "EnableIPv4", skip_serializing_if = "Option::is_none")]
    pub enable_ipv4: Option<bool>,
    /// Whether it has IPv6; no if not said.
    #[serde(rename = "EnableIPv6", skip_serializing_if = "Option::is_none")]
    pub enable_ipv6: Option<bool>,
    /// Address management; none for the default.
    #[serde(rename = "IPAM")]
    pub ipam: Option<Ipam>,
    /// Whether it has no way out.
    pub internal: bool,
    /// Whether containers may join a swarm network by hand.
    pub attachable: bool,
    /// Whether it is the swarm's ingress network.
    pub ingress: bool,
    /// Whether it only holds configuration.
    pub config_only: bool,
    /// The network whose configuration it uses.
    pub config_from: Option<ConfigReference>,
    /// Driver options.
    pub options: Map<String>,
    /// Labels.
    pub labels: Map<String>,
    /// Name.
    pub name: String,
}

/// What `POST /networks/create` answers. Engine API v1.51 NetworkCreateResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkCreateResponse {
    /// Full id.
    pub id: String,
    /// What the user should know; empty if nothing.
    pub warning: String,
}

/// The body of `POST /networks/{id}/connect`. Engine API v1.51 NetworkConnectRequest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkConnectBody {
    /// Container id or name.
    pub container: String,
    /// What its endpoint is to be like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_config: Option<EndpointSettings>,
}

/// The body of `POST /networks/{id}/disconnect`. Engine API v1.51 NetworkDisconnectRequest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkDisconnectBody {
    /// Container id or name.
    pub container: String,
    /// Even where the container is gone.
    pub force: bool,
}

/// What `POST /networks/prune` answers. Engine API v1.51 NetworkPruneResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkPruneReport {
    /// Names; null if none.
    pub networks_deleted: List<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded: `docker network create` 28.2 with every option.
    const SENT: &str = r#"{"Driver":"bridge","Scope":"local","EnableIPv6":true,"IPAM":{"Driver":"default","Options":{"q":"r"},"Config":[{"Subnet":"10.1.0.0/16","IPRange":"10.1.2.0/24","Gateway":"10.1.0.1","AuxiliaryAddresses":{"a":"10.1.0.9"}},{"Subnet":"fd00::/64"}]},"Internal":true,"Attachable":true,"Ingress":false,"ConfigOnly":false,"ConfigFrom":null,"Options":{"x":"y"},"Labels":{"l":"m"},"Name":"n"}"#;

    #[test]
    fn a_network_as_docker_asks_for_it() {
        let body: NetworkCreateBody = serde_json::from_str(SENT).unwrap();
        assert_eq!(body.enable_ipv6, Some(true));
        assert_eq!(serde_json::to_string(&body).unwrap(), SENT);
    }
}
