//! The body and the answer of `POST /containers/create`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{ContainerConfig, EndpointSettings, HostConfig};
use crate::json::{GoError, GoValue};
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
#[serde(default, expecting = "struct container.CreateRequest", rename_all = "PascalCase")]
struct Beside {
    host_config: Option<HostConfig>,
    networking_config: Option<NetworkingConfig>,
}

/// A create body as it was sent: whether any field of the configuration was given at all, which Docker
/// asks for before anything else.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SentCreateBody {
    /// The body.
    pub body: ContainerCreateBody,
    /// Whether any field of `body.config` was given, be it with its zero value.
    pub has_config: bool,
}

impl ContainerCreateBody {
    fn read(document: &Value) -> Result<Self, GoError> {
        let beside = Beside::deserialize(GoValue::new(document))?;
        Ok(Self {
            config: ContainerConfig::deserialize(GoValue::new(document))?,
            host_config: beside.host_config,
            networking_config: beside.networking_config,
        })
    }
}

impl<'de> Deserialize<'de> for ContainerCreateBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for SentCreateBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        let is_config = |key: &String| CONFIG_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key));
        Ok(Self {
            body: ContainerCreateBody::read(&document).map_err(D::Error::custom)?,
            has_config: document.as_object().is_some_and(|keys| keys.keys().any(is_config)),
        })
    }
}

/// The keys of [`ContainerConfig`].
const CONFIG_KEYS: &[&str] = &[
    "Hostname",
    "Domainname",
    "User",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "ExposedPorts",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "Env",
    "Cmd",
    "Healthcheck",
    "ArgsEscaped",
    "Image",
    "Volumes",
    "WorkingDir",
    "Entrypoint",
    "NetworkDisabled",
    "MacAddress",
    "OnBuild",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Shell",
];

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

    #[test]
    fn nothing_is_not_zero_values() {
        let has_config = |text: &str| decode::<SentCreateBody>(text.as_bytes()).unwrap().has_config;
        assert!(has_config(r#"{"image":""}"#) && has_config(r#"{"Tty":false}"#));
        for nothing in ["{}", "null", r#"{"HostConfig":{}}"#, r#"{"Unknown":1}"#] {
            assert!(!has_config(nothing), "{nothing}");
        }
    }

    #[test]
    fn all_keys_of_the_configuration_are_known() {
        let written = serde_json::to_value(ContainerConfig::default()).unwrap();
        for key in written.as_object().unwrap().keys() {
            assert!(CONFIG_KEYS.contains(&key.as_str()), "{key}");
        }
        // One whose value has the wrong type is refused, so it is a field.
        for key in CONFIG_KEYS {
            let text = format!("{{\"{key}\":[[]]}}");
            assert!(decode::<ContainerConfig>(text.as_bytes()).is_err(), "{key}");
        }
    }
}
