//! The networks a container joins.

use std::collections::BTreeMap;

use corten_api::Map;
use corten_api::container::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};

use super::compile::nullable;
use crate::flag::Parsed;
use crate::option::network::{self, Attachment};
use crate::option::{address, pair};

/// The flags contradict each other or the network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("conflicting options: cannot specify both --{flag} and per-network {what}")]
    Conflict { flag: &'static str, what: &'static str },
    #[error("network {0:?} is specified multiple times")]
    Twice(String),
    #[error("conflicting options: cannot attach both user-defined and non-user-defined network-modes")]
    Mixed,
    #[error("network-scoped aliases are only supported for user-defined networks")]
    Aliases,
    #[error("{0} is not a valid mac address")]
    MacAddress(String),
}

/// The mode of the first network, and the endpoints.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) mode: String,
    pub(super) config: NetworkingConfig,
}

const DEFAULT: &str = "default";

/// Reads all network flags.
pub(super) fn compile(parsed: &Parsed) -> Result<Networks, EndpointError> {
    let given = parsed.list("network").chain(parsed.list("net"));
    let mut given: Vec<Attachment> = given
        .map(|text| network::parse(text).expect("checked when it was read"))
        .collect();
    let by_default = given.is_empty();
    if by_default {
        given.push(Attachment {
            target: DEFAULT.to_owned(),
            ..Attachment::default()
        });
    }
    apply_container_options(&mut given[0], parsed)?;
    let mode = given[0].target.clone();
    let own = given.iter().filter(|network| is_user_defined(&network.target)).count();
    let single = given.len() == 1;
    if own != 0 && own != given.len() {
        return Err(EndpointError::Mixed);
    }
    let mut endpoints = BTreeMap::new();
    for network in given {
        let endpoint = endpoint(&network)?;
        if single && !by_default && endpoint == EndpointSettings::default() {
            continue;
        }
        if endpoints.insert(network.target.clone(), Some(endpoint)).is_some() {
            return Err(EndpointError::Twice(network.target));
        }
    }
    Ok(Networks {
        mode,
        config: NetworkingConfig {
            endpoints_config: Map::from(endpoints),
        },
    })
}

/// `--ip`, `--network-alias` and the like belong to the first network.
fn apply_container_options(network: &mut Attachment, parsed: &Parsed) -> Result<(), EndpointError> {
    let aliases: Vec<String> = parsed
        .list("network-alias")
        .chain(parsed.list("net-alias"))
        .map(str::to_owned)
        .collect();
    merge(&mut network.aliases, aliases, "network-alias", "alias")?;
    // Of other modes the engine says whether they can have links.
    if is_user_defined(&network.target) {
        merge(&mut network.links, parsed.owned("link"), "link", "links")?;
    }
    set(&mut network.ipv4, parsed.text_or_empty("ip"), "ip", "IPv4 address")?;
    set(&mut network.ipv6, parsed.text_or_empty("ip6"), "ip6", "IPv6 address")?;
    set(
        &mut network.mac_address,
        parsed.text_or_empty("mac-address"),
        "mac-address",
        "MAC address",
    )?;
    merge(
        &mut network.link_local,
        parsed.owned("link-local-ip"),
        "link-local-ip",
        "link-local IP addresses",
    )
}

fn merge(
    into: &mut Vec<String>,
    given: Vec<String>,
    flag: &'static str,
    what: &'static str,
) -> Result<(), EndpointError> {
    match (into.is_empty(), given.is_empty()) {
        (_, true) => Ok(()),
        (true, false) => {
            *into = given;
            Ok(())
        }
        (false, false) => Err(EndpointError::Conflict { flag, what }),
    }
}

fn set(into: &mut String, given: String, flag: &'static str, what: &'static str) -> Result<(), EndpointError> {
    match (into.is_empty(), given.is_empty()) {
        (_, true) => Ok(()),
        (true, false) => {
            *into = given;
            Ok(())
        }
        (false, false) => Err(EndpointError::Conflict { flag, what }),
    }
}

fn endpoint(network: &Attachment) -> Result<EndpointSettings, EndpointError> {
    if !is_user_defined(&network.target) && !network.aliases.is_empty() {
        return Err(EndpointError::Aliases);
    }
    if !network.mac_address.is_empty() && !address::is_mac(&network.mac_address) {
        return Err(EndpointError::MacAddress(network.mac_address.clone()));
    }
    let wants_address = !network.ipv4.is_empty() || !network.ipv6.is_empty() || !network.link_local.is_empty();
    let options = network
        .driver_options
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>();
    Ok(EndpointSettings {
        ipam_config: wants_address.then(|| EndpointIpamConfig {
            ipv4_address: network.ipv4.clone(),
            ipv6_address: network.ipv6.clone(),
            link_local_ips: nullable(network.link_local.clone()),
        }),
        links: nullable(network.links.clone()),
        aliases: nullable(network.aliases.clone()),
        mac_address: network.mac_address.clone(),
        driver_opts: if options.is_empty() {
            Map::null()
        } else {
            pair::map(options.iter().map(String::as_str))
        },
        gw_priority: network.gateway_priority,
        ..EndpointSettings::default()
    })
}

fn is_user_defined(target: &str) -> bool {
    !["", DEFAULT, "bridge", "host", "none"].contains(&target) && !target.starts_with("container:")
}
