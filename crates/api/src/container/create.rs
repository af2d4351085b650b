//! The body and the answer of `POST /containers/create`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{ContainerConfig, EndpointSettings, HostConfig};
use crate::json::GoValue;
use crate::{List, Map};

/// What create reads: the configuration's fields stand beside `HostConfig` and `NetworkingConfig`.
/// Reading follows Go's rules whatever the deserializer. Engine API v1.51 ContainerCreate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerCreateBody {
    /// The portable part.
    #[serde(flatten)]
    pub config: ContainerConfig,
    /// The host's part; none is Docker's nil and means all defaults.
    pub host_config: Option<HostConfig>,
    /// The networks to join.
    pub networking_config: Option<NetworkingConfig>,
}

/// The networks that a new container joins, by network name. Engine API v1.51 NetworkingConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkingConfig {
    /// Endpoint settings by network name or id.
    pub endpoints_config: Map<Option<EndpointSettings>>,
}

/// What create answers. Engine API v1.51 ContainerCreateResponse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerCreateResponse {
    /// The new container's full id.
    pub id: String,
    /// What the user should know; `[]` if nothing.
    pub warnings: List<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Beside {
    host_config: Option<HostConfig>,
    networking_config: Option<NetworkingConfig>,
}

impl<'de> Deserialize<'de> for ContainerCreateBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let document = Value::deserialize(deserializer)?;
        let beside = Beside::deserialize(GoValue::new(&document)).map_err(D::Error::custom)?;
        Ok(Self {
            config: ContainerConfig::deserialize(GoValue::new(&document)).map_err(D::Error::custom)?,
            host_config: beside.host_config,
            networking_config: beside.networking_config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::decode;

    #[test]
    fn three_parts_of_one_object() {
        let body = br#"{"image":"busybox","Cmd":"true","hostconfig":{"memory":1024,"PortBindings":{"80/tcp":null},
            "NetworkMode":"none"},"NetworkingConfig":{"EndpointsConfig":{"bridge":null}}}"#;
        let body: ContainerCreateBody = decode(body).unwrap();
        assert_eq!(body.config.image, "busybox");
        assert_eq!(**body.config.cmd, ["true"]);
        let host = body.host_config.unwrap();
        assert_eq!((host.memory, host.network_mode.as_str()), (1024, "none"));
        assert!(host.port_bindings["80/tcp"].is_empty());
        assert_eq!(body.networking_config.unwrap().endpoints_config["bridge"], None);
    }

    #[test]
    fn written_flat_and_read_back() {
        let mut body = ContainerCreateBody {
            host_config: Some(HostConfig::default()),
            ..Default::default()
        };
        body.config.image = "a".to_owned();
        let text = serde_json::to_vec(&body).unwrap();
        assert!(text.starts_with(br#"{"Hostname":"","#));
        assert_eq!(decode::<ContainerCreateBody>(&text), Ok(body));
    }
}
