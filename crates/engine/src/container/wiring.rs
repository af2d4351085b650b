//! Which networks a container is to be on: what was asked for at its creation, and what was changed since.
//!
//! On disk: nothing beyond `spec.json` until a client connects or disconnects the container; from then on
//! `networks.json` in its directory, format 1, says all of it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use corten_api::container::{ContainerConfig, ContainerCreateBody, EndpointSettings, HostConfig};
use corten_base::file::write_durable;
use serde::{Deserialize, Serialize};

use super::Container;
use super::effective::{Effective, NetworkMode};
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

/// What the creation asked for: the networks it has settings for, else that of its mode (observed: dockerd 28.5). None
/// for a container that has the host's network or another container's.
#[must_use]
pub fn asked(record: &Record) -> Vec<Asked> {
    asked_in(&record.body)
}

/// The same of a container, whose record keeps of the request only what nothing else tells.
pub(crate) fn at_creation(container: &Container) -> Vec<Asked> {
    let Effective { config, host, .. } = &container.effective;
    asked_in(&ContainerCreateBody {
        config: ContainerConfig {
            mac_address: config.mac_address.clone(),
            ..ContainerConfig::default()
        },
        host_config: Some(HostConfig {
            network_mode: host.network_mode.clone(),
            ..HostConfig::default()
        }),
        networking_config: container.record.body.networking_config.clone(),
    })
}

/// The same of a creation's body.
#[must_use]
pub fn asked_in(body: &ContainerCreateBody) -> Vec<Asked> {
    let mode = body.host_config.as_ref().map(|host| host.network_mode.as_str());
    let (name, alias) = match NetworkMode::parse(mode.unwrap_or_default()) {
        NetworkMode::Bridge => ("bridge".to_owned(), "default"),
        NetworkMode::Named(name) => (name, ""),
        NetworkMode::None => ("none".to_owned(), ""),
        NetworkMode::Host | NetworkMode::Container(_) => return Vec::new(),
    };
    let config = body.networking_config.iter();
    let given = config.flat_map(|config| &config.endpoints_config);
    let mut asked: Vec<Asked> = Vec::new();
    for (network, settings) in given {
        let is_modes = *network == name || network == alias;
        let network = if is_modes { &name } else { network };
        let settings = settings.clone().unwrap_or_default();
        let network = network.clone();
        match asked.iter().position(|asked| asked.network == network) {
            Some(_) => {}
            None if is_modes => asked.insert(0, Asked { network, settings }),
            None => asked.push(Asked { network, settings }),
        }
    }
    if name == "none" {
        asked.retain(|asked| asked.network != name);
        return asked;
    }
    if asked.is_empty() {
        asked.push(Asked {
            network: name.clone(),
            settings: EndpointSettings::default(),
        });
    }
    let modes = asked.iter_mut().find(|asked| asked.network == name);
    if let Some(modes) = modes.filter(|modes| modes.settings.mac_address.is_empty()) {
        modes.settings.mac_address.clone_from(&body.config.mac_address);
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
        let none = r#"{"HostConfig":{"NetworkMode":"none"},"NetworkingConfig":{"EndpointsConfig":{"n1":{}}}}"#;
        assert_eq!(names(none), ["n1"]);
        let two = r#"{"HostConfig":{"NetworkMode":"n2"},"NetworkingConfig":{"EndpointsConfig":{"n1":null,"n2":{}}}}"#;
        assert_eq!(names(two), ["n2", "n1"]);
        // settings for others alone: it is on these alone
        for mode in ["", "default", "bridge", "n2"] {
            let others = r#""NetworkingConfig":{"EndpointsConfig":{"n0":{},"n1":null}}"#;
            let json = format!(r#"{{"HostConfig":{{"NetworkMode":"{mode}"}},{others}}}"#);
            assert_eq!(names(&json), ["n0", "n1"], "{mode}");
        }
        let both = r#"{"NetworkingConfig":{"EndpointsConfig":{"a":{},"default":{}}}}"#;
        assert_eq!(names(both), ["bridge", "a"]);
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
