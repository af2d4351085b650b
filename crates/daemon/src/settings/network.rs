//! The default network's settings.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result};
use corten_net::Subnet;
use corten_net::sandbox::BridgeNetworkConfig;

use super::values::Values;
use super::{boolean_or, last, list, number};

/// The default network, or none (`--bridge none`). Daemons side by side have bridges of different
/// names; their firewall tables are named after them.
pub(super) fn bridge(defaults: BridgeNetworkConfig, values: &Values) -> Result<Option<BridgeNetworkConfig>> {
    let mut network = defaults;
    match last(values, "bridge") {
        Some("none") => return Ok(None),
        Some(name) if !name.is_empty() => name.clone_into(&mut network.bridge),
        Some(_) | None => {}
    }
    if network.bridge != BridgeNetworkConfig::default().bridge {
        network.table = format!("corten-{}", network.bridge);
    }
    if let Some(text) = last(values, "bip") {
        let gateway = gateway(text).with_context(|| format!("invalid CIDR address: {text}"))?;
        network.gateway = Some(gateway);
    }
    if let Some(text) = last(values, "fixed-cidr") {
        network.range = Some(text.parse().with_context(|| format!("invalid CIDR address: {text}"))?);
    }
    for text in list(values, "default-address-pool") {
        let pool = pool(text).with_context(|| format!("invalid default address pool: {text}"))?;
        network.pools.push(pool);
    }
    if let Some(mtu) = number(values, "mtu")? {
        network.mtu = u32::try_from(mtu).context("invalid MTU")?;
    }
    if let Some(text) = last(values, "ip") {
        let address: IpAddr = text.parse().with_context(|| format!("invalid IP address: {text}"))?;
        network.publish_address = Some(address).filter(|address| !address.is_unspecified());
    }
    network.forward = boolean_or(values, "ip-forward", network.forward);
    network.inter_container = boolean_or(values, "icc", network.inter_container);
    network.masquerade = boolean_or(values, "ip-masq", network.masquerade);
    Ok(Some(network))
}

/// `10.7.0.1/24`: an address with the length of its subnet's prefix.
fn gateway(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    Some((address.parse().ok()?, prefix))
}

/// `base=10.0.0.0/8,size=24`.
fn pool(text: &str) -> Option<(Subnet, u8)> {
    let mut pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let base = pairs.clone().find(|(key, _)| *key == "base")?.1;
    let size = pairs.find(|(key, _)| *key == "size")?.1;
    Some((base.parse().ok()?, size.parse().ok()?))
}
