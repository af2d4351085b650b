//! Which networks a container is to be on: what was asked for at its creation, and what was changed since.
//!
//! On disk: nothing beyond `spec.json` until a client connects or disconnects the container; from then on
//! `networks.json` in its directory, format 1, says all of it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use corten_api::container::{ContainerCreateBody, EndpointSettings};
use corten_base::file::write_durable;
use serde::{Deserialize, Serialize};

use super::effective::NetworkMode;
use super::record::{self, Record};

/// The file's name.
pub const NETWORKS: &str = "networks.json";
const VERSION: u32 = 1;

/// One network that a container is to be on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The network, as it was named.
    pub network: String,
    /// What is asked of it.
    pub settings: EndpointSettings,
}

/// All of them.
pub(crate) type Wiring = Arc<Vec<Asked>>;

/// `networks.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Networks {
    version: u32,
    endpoints: Vec<Asked>,
}

/// What the creation asked for. None for a container that has the host's network, another container's, or
/// none.
#[must_use]
pub fn asked(record: &Record) -> Vec<Asked> {
    asked_in(&record.body)
}

/// The same of a creation's body.
#[must_use]
pub fn asked_in(body: &ContainerCreateBody) -> Vec<Asked> {
    let mode = body.host_config.as_ref().map(|host| host.network_mode.as_str());
    let config = body.networking_config.as_ref();
    let configured = |name: &str| {
        let endpoints = &config?.endpoints_config;
        endpoints.get(name).and_then(Option::as_ref).cloned()
    };
    let (name, settings) = match NetworkMode::parse(mode.unwrap_or_default()) {
        NetworkMode::Bridge => (
            "bridge".to_owned(),
            configured("bridge").or_else(|| configured("default")),
        ),
        NetworkMode::Named(name) => {
            let settings = configured(&name);
            (name, settings)
        }
        NetworkMode::Host | NetworkMode::None | NetworkMode::Container(_) => return Vec::new(),
    };
    let mut settings = settings.unwrap_or_default();
    if settings.mac_address.is_empty() {
        settings.mac_address.clone_from(&body.config.mac_address);
    }
    let mut asked = vec![Asked {
        network: name,
        settings,
    }];
    for (name, settings) in config.into_iter().flat_map(|config| &config.endpoints_config) {
        let known = name == "default" || asked.iter().any(|asked| asked.network == *name);
        if !known {
            asked.push(Asked {
                network: name.clone(),
                settings: settings.clone().unwrap_or_default(),
            });
        }
    }
    asked
}

/// Records what was changed; it is durable then.
pub(crate) fn write(directory: &Path, endpoints: &[Asked]) -> io::Result<()> {
    let networks = Networks {
        version: VERSION,
        endpoints: endpoints.to_vec(),
    };
    write_durable(&directory.join(NETWORKS), &serde_json::to_vec(&networks)?)
}

/// What was changed; `None` if nothing was.
pub(crate) fn read(directory: &Path) -> io::Result<Option<Vec<Asked>>> {
    let networks: Option<Networks> = record::read(&directory.join(NETWORKS))?;
    Ok(networks.map(|networks| networks.endpoints))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(json: &str) -> Vec<String> {
        let record = Record {
            body: serde_json::from_str(json).unwrap(),
            ..super::super::record::tests::record()
        };
        asked(&record).into_iter().map(|asked| asked.network).collect()
    }

    #[test]
    fn what_a_creation_asks_for() {
        assert_eq!(names("{}"), ["bridge"]);
        for mode in ["host", "none", "container:x"] {
            assert!(names(&format!(r#"{{"HostConfig":{{"NetworkMode":"{mode}"}}}}"#)).is_empty());
        }
        let two = r#"{"HostConfig":{"NetworkMode":"n2"},"NetworkingConfig":{"EndpointsConfig":{"n1":null,"n2":{}}}}"#;
        assert_eq!(names(two), ["n2", "n1"]);
        let old = r#"{"HostConfig":{"NetworkMode":"default"},"NetworkingConfig":{"EndpointsConfig":{"default":{}}}}"#;
        assert_eq!(names(old), ["bridge"]);
    }

    #[test]
    fn version_1_is_read() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
        let text = r#"{"version":1,"endpoints":[{"network":"n1","settings":{"Aliases":["a"]}}]}"#;
        std::fs::write(directory.path().join(NETWORKS), text).unwrap();
        let read_back = read(directory.path()).unwrap().unwrap();
        assert_eq!(*read_back[0].settings.aliases, ["a"]);
        write(directory.path(), &read_back).unwrap();
        assert_eq!(read(directory.path()).unwrap().unwrap(), read_back);
    }
}
