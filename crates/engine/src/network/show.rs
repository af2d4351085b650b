//! What clients are shown of networks.

use std::collections::BTreeMap;

use corten_api::network::{ConfigReference, Ipam, IpamConfig, Network, NetworkContainer};
use corten_api::{Filters, List, Map};
use corten_net::firewall::plan::Source;

use super::filter;
use super::record::{NetworkRecord, SubnetRecord};
use super::registry;
use crate::container::effective::NetworkMode;
use crate::container::run::Joined;
use crate::core::Core;
use crate::error::Result;

/// The networks that match.
pub(crate) fn list(core: &Core, filters: &Filters) -> Result<Vec<Network>> {
    filter::check(filters)?;
    let mut networks = builtins(core);
    networks.extend(core.networks.all().iter().map(|network| user(network)));
    networks.retain(|network| filter::matches(filters, network));
    for network in &mut networks {
        network.containers = Map::empty();
    }
    Ok(networks)
}

/// The network with this name, id or unique prefix of an id.
pub(crate) fn inspect(core: &Core, reference: &str) -> Result<Network> {
    let builtins = builtins(core);
    let exact = builtins
        .iter()
        .find(|network| network.name == reference || network.id == reference);
    if let Some(found) = exact {
        return Ok(found.clone());
    }
    match core.networks.find(reference) {
        Ok(network) => Ok(user(&network)),
        Err(error) => builtins
            .into_iter()
            .find(|network| !reference.is_empty() && network.id.starts_with(reference))
            .ok_or(error),
    }
}

fn builtins(core: &Core) -> Vec<Network> {
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
    let settings = core.config.bridge.clone().unwrap_or_default();
    let range = |range: Option<corten_net::Subnet>| range.map(|range| range.to_string()).unwrap_or_default();
    let mut config = Vec::new();
    if let Some((subnet, gateway)) = core.bridge.as_ref().and_then(|own| own.subnet4().zip(own.gateway4())) {
        config.push(IpamConfig {
            subnet: subnet.to_string(),
            ip_range: range(settings.range),
            gateway: gateway.to_string(),
            ..IpamConfig::default()
        });
    }
    let six = core.bridge.as_ref().and_then(|own| own.subnet6());
    if let Some((subnet, gateway)) = six {
        config.push(IpamConfig {
            subnet: subnet.to_string(),
            ip_range: range(settings.range6.filter(|range| *range != subnet)),
            gateway: gateway.to_string(),
            ..IpamConfig::default()
        });
    }
    let name = settings.bridge;
    let mtu = settings.mtu;
    let published = settings
        .publish_address
        .unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
    let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let options: BTreeMap<String, String> = [
        option("com.docker.network.bridge.default_bridge", "true"),
        option(
            "com.docker.network.bridge.enable_icc",
            &settings.inter_container.to_string(),
        ),
        option(
            "com.docker.network.bridge.enable_ip_masquerade",
            &(settings.four.crossing.source != Source::Own).to_string(),
        ),
        option("com.docker.network.bridge.host_binding_ipv4", &published.to_string()),
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
        enable_ipv6: six.is_some(),
        ipam: Ipam {
            driver: "default".to_owned(),
            options: Map::null(),
            config: config.into(),
        },
        options: options.into(),
        ..plain(core, "bridge")
    }
}

fn user(network: &registry::Network) -> Network {
    let record = &network.record;
    let members = network.joined();
    let containers = members
        .iter()
        .map(|(id, member)| (id.clone(), shown(&member.container, &member.joined)));
    Network {
        containers: containers.collect(),
        ..described(record)
    }
}

fn described(record: &NetworkRecord) -> Network {
    Network {
        name: record.name.clone(),
        id: record.id.clone(),
        created: record.created,
        scope: if record.scope.is_empty() {
            "local"
        } else {
            &record.scope
        }
        .to_owned(),
        driver: record.driver.clone(),
        enable_ipv4: record.ipv4,
        enable_ipv6: record.ipv6,
        ipam: Ipam {
            driver: "default".to_owned(),
            options: record.ipam_options.clone().map_or_else(Map::null, Map::from),
            config: record.subnets.iter().map(subnet).collect(),
        },
        internal: record.internal,
        attachable: record.attachable,
        config_only: record.config_only,
        config_from: ConfigReference {
            network: record.config_from.clone(),
        },
        containers: Map::empty(),
        options: record.options.clone().into(),
        labels: record.labels.clone().into(),
        ..Network::default()
    }
}

fn subnet(entry: &SubnetRecord) -> IpamConfig {
    let auxiliary = entry
        .auxiliary
        .iter()
        .map(|(name, address)| (name.clone(), address.to_string()));
    IpamConfig {
        subnet: entry.subnet.to_string(),
        ip_range: entry.range.map(|range| range.to_string()).unwrap_or_default(),
        gateway: entry.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
        auxiliary_addresses: auxiliary.collect(),
    }
}

fn shown(name: &str, joined: &Joined) -> NetworkContainer {
    let sandbox = &joined.sandbox;
    let four = sandbox.address4.map(|address| format!("{address}/{}", sandbox.prefix4));
    let six = sandbox
        .address6
        .map(|(address, prefix, _)| format!("{address}/{prefix}"));
    NetworkContainer {
        name: name.to_owned(),
        endpoint_id: joined.endpoint.clone(),
        mac_address: sandbox.mac.to_string(),
        ipv4_address: four.unwrap_or_default(),
        ipv6_address: six.unwrap_or_default(),
    }
}

/// The running containers of a predefined network.
fn containers(core: &Core, name: &str) -> Map<NetworkContainer> {
    let mut containers = BTreeMap::new();
    for container in core.containers.all() {
        let view = container.look();
        if view.life.phase.running().is_none() {
            continue;
        }
        let Some(run) = &view.run else { continue };
        let id = container.id.to_string();
        if name == "bridge" {
            let own = run.endpoints.iter().find(|joined| joined.is_default(core));
            containers.extend(own.map(|joined| (id, shown(&container.name(), joined))));
        } else if mode_name(&container.effective.network) == Some(name) && container.wiring().is_empty() {
            let entry = NetworkContainer {
                name: container.name(),
                endpoint_id: run.endpoint.clone(),
                ..NetworkContainer::default()
            };
            containers.insert(id, entry);
        }
    }
    containers.into()
}

/// The name of the predefined network a container is on; `None` for another container's, and for users'.
pub(crate) fn mode_name(mode: &NetworkMode) -> Option<&'static str> {
    match mode {
        NetworkMode::Bridge => Some("bridge"),
        NetworkMode::Host => Some("host"),
        NetworkMode::None => Some("none"),
        NetworkMode::Container(_) | NetworkMode::Named(_) => None,
    }
}
