//! The networks that exist without being made: `bridge`, `host` and `none`. User-defined ones are not built.

pub(crate) mod files;

use std::collections::BTreeMap;

use corten_api::container::EndpointSettings;
use corten_api::network::{Ipam, IpamConfig, Network, NetworkContainer};
use corten_api::{Filters, List, Map};

use crate::container::effective::NetworkMode;
use crate::container::run::RunRecord;
use crate::core::Core;
use crate::error::{Error, Result};

const FILTERS: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];

/// The networks that match.
pub(crate) fn list(core: &Core, filters: &Filters) -> Result<Vec<Network>> {
    filters
        .accept_only(FILTERS)
        .map_err(|error| Error::invalid(error.to_string()))?;
    let matches = |network: &Network| {
        let any = |key: &str, found: &dyn Fn(&str) -> bool| !filters.contains(key) || filters.get(key).any(found);
        any("name", &|value| network.name.contains(value))
            && any("id", &|value| network.id.starts_with(value))
            && any("driver", &|value| network.driver == value)
            && any("scope", &|value| network.scope == value)
            && any("type", &|value| value == "builtin")
            && any("label", &|_value| false)
    };
    let mut networks = all(core);
    networks.retain(matches);
    for network in &mut networks {
        network.containers = Map::empty();
    }
    Ok(networks)
}

/// The network with this name, id or unique prefix of an id.
pub(crate) fn inspect(core: &Core, reference: &str) -> Result<Network> {
    let networks = all(core);
    let found = networks
        .iter()
        .find(|network| network.name == reference || network.id == reference)
        .or_else(|| {
            networks
                .iter()
                .find(|network| !reference.is_empty() && network.id.starts_with(reference))
        });
    found
        .cloned()
        .ok_or_else(|| Error::not_found(format!("network {reference} not found")))
}

fn all(core: &Core) -> Vec<Network> {
    let mut networks = Vec::new();
    if core.bridge.is_some() {
        networks.push(bridge(core));
    }
    networks.push(plain(core, "host"));
    networks.push(plain(core, "none"));
    networks
}

fn plain(core: &Core, name: &str) -> Network {
    let driver = if name == "none" { "null" } else { name };
    Network {
        name: name.to_owned(),
        id: derived_id(core, name),
        created: core.opened_at,
        scope: "local".to_owned(),
        driver: driver.to_owned(),
        enable_ipv4: true,
        ipam: Ipam {
            driver: "default".to_owned(),
            options: Map::null(),
            config: List::null(),
        },
        containers: containers(core, name),
        options: Map::empty(),
        labels: Map::empty(),
        ..Network::default()
    }
}

/// Ids of the networks without a link of their own: as lasting as the default network's.
pub(crate) fn derived_id(core: &Core, name: &str) -> String {
    corten_base::Digest::of(format!("{}{name}", core.network_id).as_bytes()).hex()
}

fn bridge(core: &Core) -> Network {
    let config = core.bridge.as_ref().map(|bridge| IpamConfig {
        subnet: bridge.subnet().to_string(),
        gateway: bridge.gateway().to_string(),
        ..IpamConfig::default()
    });
    let settings = core.config.bridge.as_ref();
    let name = settings.map(|settings| settings.bridge.clone()).unwrap_or_default();
    let mtu = settings.map_or(0, |settings| settings.mtu);
    let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let options: BTreeMap<String, String> = [
        option("com.docker.network.bridge.default_bridge", "true"),
        option("com.docker.network.bridge.enable_icc", "true"),
        option("com.docker.network.bridge.enable_ip_masquerade", "true"),
        option("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"),
        option("com.docker.network.bridge.name", &name),
        option(
            "com.docker.network.driver.mtu",
            &(if mtu == 0 { 1500 } else { mtu }).to_string(),
        ),
    ]
    .into();
    Network {
        name: "bridge".to_owned(),
        id: core.network_id.clone(),
        driver: "bridge".to_owned(),
        ipam: Ipam {
            driver: "default".to_owned(),
            options: Map::null(),
            config: config.into_iter().collect(),
        },
        options: options.into(),
        ..plain(core, "bridge")
    }
}

fn containers(core: &Core, name: &str) -> Map<NetworkContainer> {
    let mut containers = BTreeMap::new();
    for container in core.containers.all() {
        let view = container.look();
        if view.life.phase.running().is_none() || mode_name(&container.effective.network) != Some(name) {
            continue;
        }
        let mut entry = NetworkContainer {
            name: container.name(),
            ..NetworkContainer::default()
        };
        if let Some(run) = &view.run {
            entry.endpoint_id.clone_from(&run.endpoint);
            if let Some(sandbox) = &run.sandbox {
                entry.mac_address = sandbox.mac.to_string();
                entry.ipv4_address = format!("{}/{}", sandbox.address4, sandbox.prefix4);
                entry.ipv6_address = sandbox
                    .address6
                    .map(|(address, prefix, _)| format!("{address}/{prefix}"))
                    .unwrap_or_default();
            }
        }
        containers.insert(container.id.to_string(), entry);
    }
    containers.into()
}

/// The name of the network a container is on; `None` for another container's.
pub(crate) fn mode_name(mode: &NetworkMode) -> Option<&'static str> {
    match mode {
        NetworkMode::Bridge => Some("bridge"),
        NetworkMode::Host => Some("host"),
        NetworkMode::None => Some("none"),
        NetworkMode::Container(_) | NetworkMode::Named(_) => None,
    }
}

/// What `inspect` and lists show of a container's endpoint.
pub(crate) fn endpoint(core: &Core, mode: &NetworkMode, run: Option<&RunRecord>) -> Map<EndpointSettings> {
    let Some(name) = mode_name(mode) else {
        return Map::empty();
    };
    let mut endpoint = EndpointSettings::default();
    if let Some(run) = run {
        endpoint.network_id = if name == "bridge" {
            core.network_id.clone()
        } else {
            derived_id(core, name)
        };
        endpoint.endpoint_id.clone_from(&run.endpoint);
        if let Some(sandbox) = &run.sandbox {
            endpoint.mac_address = sandbox.mac.to_string();
            endpoint.gateway = sandbox.gateway4.to_string();
            endpoint.ip_address = sandbox.address4.to_string();
            endpoint.ip_prefix_len = i64::from(sandbox.prefix4);
            if let Some((address, prefix, gateway)) = sandbox.address6 {
                endpoint.global_ipv6_address = address.to_string();
                endpoint.global_ipv6_prefix_len = i64::from(prefix);
                endpoint.ipv6_gateway = gateway.to_string();
            }
        }
    }
    [(name.to_owned(), endpoint)].into_iter().collect()
}
