//! The default network's settings.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, Result, bail};
use corten_base::Digest;
use corten_net::firewall::plan::{Open, Source};
use corten_net::sandbox::BridgeNetworkConfig;
use corten_net::{Means, Subnet};

use super::values::Values;
use super::{boolean_or, is_set, last, list, number};

/// The default network, or none (`--bridge none`). Daemons side by side have bridges of different
/// names; their firewall tables are named after them.
pub(super) fn bridge(defaults: BridgeNetworkConfig, values: &Values) -> Result<Option<BridgeNetworkConfig>> {
    let mut network = defaults;
    network.means = means(values)?;
    match last(values, "bridge") {
        Some("none") => return Ok(None),
        Some(name) if !name.is_empty() => {
            name.clone_into(&mut network.bridge);
            // dockerd's own is `docker0` alone; any other is the user's
            network.existing = network.or_next && name != "docker0";
            network.or_next = false;
        }
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
    if is_set(values, "ipv6") {
        six(&mut network, values)?;
    }
    network.forward = boolean_or(values, "ip-forward", network.forward);
    network.inter_container = boolean_or(values, "icc", network.inter_container);
    network.keep_closed = !boolean_or(values, "ip-forward-no-drop", false);
    if !boolean_or(values, "ip-masq", true) {
        (network.four.crossing.source, network.six.crossing.source) = (Source::Own, Source::Own);
    }
    if boolean_or(values, "allow-direct-routing", false) {
        (network.four.crossing.open, network.six.crossing.open) = (Open::Published, Open::Published);
    }
    Ok(Some(network))
}

/// By which means packets are moved. `icc=false` is kept by rules (Docker's words: `verifyDaemonSettings`).
pub(super) fn means(values: &Values) -> Result<Means> {
    let means = Means {
        rules4: boolean_or(values, "iptables", true),
        rules6: boolean_or(values, "ip6tables", true),
        splice: boolean_or(values, "userland-proxy", true),
    };
    let mut missing = Vec::new();
    if !boolean_or(values, "icc", true) {
        missing.extend((!means.rules4).then_some("iptables"));
        missing.extend((is_set(values, "ipv6") && !means.rules6).then_some("ip6tables"));
    }
    match missing.first() {
        Some(name) => bail!(
            "You specified --{name}=false with --icc=false. ICC=false uses {name} to function. Please set --icc or \
             --{name} to true"
        ),
        None => Ok(means),
    }
}

/// `bridge=KEY=VALUE` of the command line, or `bridge={"KEY":"VALUE"}` of the file: the driver and its options.
pub(super) fn options(text: &str) -> Option<(String, BTreeMap<String, String>)> {
    let (driver, rest) = text.split_once('=')?;
    let options = if rest.starts_with('{') {
        serde_json::from_str(rest).ok()?
    } else {
        let (key, value) = rest.split_once('=')?;
        [(key.to_owned(), value.to_owned())].into()
    };
    Some((driver.to_owned(), options))
}

/// `10.7.0.1/24`: an address with the length of its subnet's prefix.
fn gateway(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    Some((address.parse().ok()?, prefix))
}

/// IPv6 of the default network: `bip6` is the bridge's own address, `fixed-cidr-v6` where containers get theirs;
/// without either, a unique local subnet (RFC 4193) that is the same for this host and bridge each time.
fn six(network: &mut BridgeNetworkConfig, values: &Values) -> Result<()> {
    let invalid = |text: &str| format!("invalid CIDR address: {text}");
    if let Some(text) = last(values, "fixed-cidr-v6").filter(|text| !text.is_empty()) {
        network.range6 = Some(subnet6(text).with_context(|| invalid(text))?);
    }
    network.gateway6 = Some(match last(values, "bip6").filter(|text| !text.is_empty()) {
        Some(text) => gateway6(text).with_context(|| invalid(text))?,
        None => {
            let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
            let subnet = network
                .range6
                .unwrap_or_else(|| local_subnet(&machine, &network.bridge));
            first_address(&subnet).with_context(|| invalid(&subnet.to_string()))?
        }
    });
    Ok(())
}

fn subnet6(text: &str) -> Option<Subnet> {
    let subnet: Subnet = text.parse().ok()?;
    subnet.address().is_ipv6().then_some(subnet)
}

fn gateway6(text: &str) -> Option<(Ipv6Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 128)?;
    Some((address.parse().ok()?, prefix))
}

fn local_subnet(machine: &[u8], bridge: &str) -> Subnet {
    let digest = Digest::of(&[machine, bridge.as_bytes()].concat()).hex();
    let number = u64::from_str_radix(digest.get(..14).unwrap_or("0"), 16).unwrap_or(0);
    Subnet::new((0xfd << 120 | u128::from(number) << 64).to_be_bytes().into(), 64)
}

/// The address behind the subnet's own.
fn first_address(subnet: &Subnet) -> Option<(Ipv6Addr, u8)> {
    match subnet.address() {
        IpAddr::V6(address) => Some((Ipv6Addr::from(u128::from(address) + 1), subnet.prefix())),
        IpAddr::V4(_) => None,
    }
}

/// `base=10.0.0.0/8,size=24`.
fn pool(text: &str) -> Option<(Subnet, u8)> {
    let mut pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let base = pairs.clone().find(|(key, _)| *key == "base")?.1;
    let size = pairs.find(|(key, _)| *key == "size")?.1;
    Some((base.parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::from_file;

    fn read(text: &str) -> Result<Option<BridgeNetworkConfig>> {
        bridge(BridgeNetworkConfig::default(), &from_file(text).unwrap())
    }

    #[test]
    fn six_has_the_addresses_that_were_named() {
        let network = |text| read(text).unwrap().unwrap();
        assert_eq!(network("{}").gateway6, None);
        let named = network(r#"{"ipv6":true,"fixed-cidr-v6":"2001:db8:7::/64"}"#);
        assert_eq!(named.gateway6, Some(("2001:db8:7::1".parse().unwrap(), 64)));
        assert_eq!(named.range6, Some("2001:db8:7::/64".parse().unwrap()));
        let own = network(r#"{"ipv6":true,"bip6":"2001:db8:8::5/60","fixed-cidr-v6":"2001:db8:8::/64"}"#);
        assert_eq!(own.gateway6, Some(("2001:db8:8::5".parse().unwrap(), 60)));
        assert!(read(r#"{"ipv6":true,"fixed-cidr-v6":"10.0.0.0/8"}"#).is_err());
        assert!(read(r#"{"ipv6":true,"bip6":"x"}"#).is_err());
    }

    #[test]
    fn rules_and_splices_can_be_switched_off() {
        let means = |text| means(&from_file(text).unwrap());
        assert_eq!(means("{}").unwrap(), Means::default());
        let off = means(r#"{"iptables":false,"ip6tables":false,"userland-proxy":false}"#).unwrap();
        assert!(!off.rules4 && !off.rules6 && !off.splice);
        let refused = means(r#"{"iptables":false,"icc":false}"#).unwrap_err().to_string();
        assert_eq!(
            refused,
            "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or \
             --iptables to true"
        );
        assert!(
            means(r#"{"ip6tables":false,"icc":false}"#).is_ok(),
            "without IPv6 there is nothing to keep apart"
        );
        assert!(means(r#"{"ip6tables":false,"icc":false,"ipv6":true}"#).is_err());
    }

    #[test]
    fn a_local_subnet_stays_the_same_and_differs_from_others() {
        let subnet = local_subnet(b"machine", "corten0");
        assert_eq!(subnet, local_subnet(b"machine", "corten0"));
        assert_ne!(subnet, local_subnet(b"machine", "corten1"));
        assert_ne!(subnet, local_subnet(b"other", "corten0"));
        assert!(
            subnet.to_string().starts_with("fd") && subnet.prefix() == 64,
            "{subnet}"
        );
    }
}
