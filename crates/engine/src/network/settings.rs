//! What a creation asks for, checked, in Docker's words (pure). Observed: dockerd 28.5.

use std::collections::BTreeMap;
use std::net::IpAddr;

use corten_api::network::{Ipam, IpamConfig, NetworkCreateBody};
use corten_net::Subnet;

use super::options::{self, BridgeOptions};
use super::record::{NetworkRecord, SubnetRecord};
use crate::error::{Error, Result};

/// The option that says whether a network has IPv4.
pub(crate) const ENABLE4: &str = "com.docker.network.enable_ipv4";
/// The same of IPv6.
pub(crate) const ENABLE6: &str = "com.docker.network.enable_ipv6";
const NO_SWARM: &str = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.";

/// Names that no user-defined network can have.
pub(crate) const PREDEFINED: [&str; 4] = ["bridge", "host", "none", "default"];

/// Whether the name is one of Docker's own networks.
#[must_use]
pub(crate) fn is_predefined(name: &str) -> bool {
    PREDEFINED.contains(&name)
}

/// The record of the network that `body` asks for, without id, time and the subnets that are still to be
/// chosen.
pub(crate) fn check(body: &NetworkCreateBody) -> Result<NetworkRecord> {
    let name = &body.name;
    if is_predefined(name) {
        return Err(Error::forbidden(format!(
            "operation is not permitted on predefined {name} network "
        )));
    }
    if name.is_empty() {
        return Err(Error::invalid("invalid name: name is empty"));
    }
    let options = body.options.clone().into_entries();
    let subnets = match &body.ipam {
        Some(ipam) => check_ipam(ipam, name)?,
        None => Vec::new(),
    };
    check_place(body)?;
    let driver = check_driver(body)?;
    let ipv4 = options::switch(&options, ENABLE4)?.or(body.enable_ipv4).unwrap_or(true);
    let ipv6 = options::switch(&options, ENABLE6)?
        .or(body.enable_ipv6)
        .unwrap_or(false);
    if !ipv4 && !ipv6 && !body.config_only {
        return Err(Error::invalid("IPv4 or IPv6 must be enabled"));
    }
    check_families(&subnets, driver, (ipv4, ipv6), body.config_only)?;
    if driver == "bridge" && body.config_from.is_none() {
        options::check_modes(&BridgeOptions::parse(&options)?, body.internal)?;
    }
    Ok(NetworkRecord {
        version: super::record::VERSION,
        name: name.clone(),
        scope: body.scope.clone(),
        driver: driver.to_owned(),
        ipv4,
        ipv6,
        internal: body.internal,
        attachable: body.attachable,
        config_only: body.config_only,
        config_from: body
            .config_from
            .as_ref()
            .map(|from| from.network.clone())
            .unwrap_or_default(),
        options,
        labels: body.labels.clone().into_entries(),
        ipam_options: body
            .ipam
            .as_ref()
            .filter(|ipam| !ipam.options.is_null())
            .map(|ipam| ipam.options.clone().into_entries()),
        subnets,
        ..NetworkRecord::default()
    })
}

/// What only some networks can be.
fn check_place(body: &NetworkCreateBody) -> Result<()> {
    if body.config_only && (body.ingress || body.internal || body.attachable || !body.scope.is_empty()) {
        return Err(Error::forbidden(
            "configuration network can only contain network specific fields. Network operator fields like \
             [ ingress | internal | attachable | scope ] are not supported.",
        ));
    }
    if body.config_only && body.config_from.is_some() {
        return Err(Error::forbidden(
            "a configuration network cannot depend on another configuration network",
        ));
    }
    if body.ingress {
        return Err(Error::forbidden("Ingress network can only be global scope network"));
    }
    if body.scope == "swarm" {
        return Err(Error::forbidden(
            "cannot create a swarm scoped network when swarm is not active",
        ));
    }
    let is_adopting = body.config_from.is_some();
    if is_adopting && !body.options.is_empty() {
        return Err(Error::forbidden(
            "network driver options are not supported if the network depends on a configuration network",
        ));
    }
    let ipam = body.ipam.as_ref();
    let has_own = ipam.is_some_and(|ipam| !ipam.config.is_empty() || !ipam.options.is_empty());
    if is_adopting && (has_own || !body.labels.is_empty() || body.enable_ipv6 == Some(true)) {
        return Err(Error::forbidden(
            "user specified configurations are not supported if the network depends on a configuration network",
        ));
    }
    Ok(())
}

fn check_driver(body: &NetworkCreateBody) -> Result<&str> {
    if body.config_only {
        return Ok("null");
    }
    match body.driver.as_str() {
        "" | "default" | "bridge" => Ok("bridge"),
        driver @ ("macvlan" | "ipvlan") => Ok(driver),
        driver @ ("host" | "null") => Err(Error::forbidden(format!(
            "only one instance of \"{driver}\" network is allowed"
        ))),
        "overlay" => Err(Error::forbidden(NO_SWARM)),
        driver => Err(Error::not_found(format!("plugin \"{driver}\" not found"))),
    }
}

fn check_ipam(ipam: &Ipam, network: &str) -> Result<Vec<SubnetRecord>> {
    if ipam.driver == "null" {
        return Err(Error::invalid("ipv4 pool is empty"));
    }
    if !matches!(ipam.driver.as_str(), "" | "default") {
        return Err(Error::not_found(format!("plugin \"{}\" not found", ipam.driver)));
    }
    let mut failures = Vec::new();
    let mut subnets = Vec::new();
    for config in &ipam.config {
        match check_subnet(config) {
            Ok(subnet) => subnets.push(subnet),
            Err(mut wrong) => failures.append(&mut wrong),
        }
    }
    if !failures.is_empty() {
        return Err(Error::invalid(format!(
            "invalid network config:\n{}",
            super::listed(&failures)
        )));
    }
    for config in &ipam.config {
        if let Some((key, _)) = config.auxiliary_addresses.iter().find(|(_, text)| text.is_empty()) {
            return Err(Error::invalid(format!(
                "non parsable secondary ip address ({key}:) passed for network {network}"
            )));
        }
    }
    subnets.iter().try_for_each(check_leases)?;
    Ok(subnets)
}

/// Whether gateway and auxiliary addresses are ones that the subnet can give, each once.
fn check_leases(entry: &SubnetRecord) -> Result<()> {
    let subnet = entry.subnet;
    let family = if subnet.address().is_ipv4() { "ipv4" } else { "ipv6" };
    if subnet.prefix() == 0 {
        return Err(Error::invalid(format!("{family} pool is empty")));
    }
    let ends = [subnet.address(), subnet.last()];
    let is_end = |address: &IpAddr| ends[..1 + usize::from(subnet.address().is_ipv4())].contains(address);
    // an IPv4 subnet of one address is made, gateway or not
    if subnet.address().is_ipv6() && !subnet.contains(entry.effective_gateway()) {
        return Err(Error::internal(
            "failed to allocate gateway (): no available addresses on this pool",
        ));
    }
    if let Some(gateway) = entry.gateway.filter(|address| is_end(address) && subnet.prefix() < 31) {
        return Err(Error::internal(format!(
            "failed to allocate gateway ({gateway}): Address already in use"
        )));
    }
    let mut taken = vec![entry.effective_gateway()];
    for (key, address) in &entry.auxiliary {
        if taken.contains(address) || is_end(address) {
            return Err(Error::internal(format!(
                "failed to allocate secondary ip address ({key}:{address}): Address already in use"
            )));
        }
        taken.push(*address);
    }
    Ok(())
}

/// One entry.
fn check_subnet(config: &IpamConfig) -> Result<SubnetRecord, Vec<String>> {
    let mut failures = Vec::new();
    let Ok(subnet) = config.subnet.parse::<Subnet>() else {
        return Err(vec![format!(
            "invalid subnet {}: invalid CIDR block notation",
            config.subnet
        )]);
    };
    if !is_first_address(&config.subnet, subnet) {
        failures.push(format!("invalid subnet {}: it should be {subnet}", config.subnet));
    }
    let range = check_range(config, subnet, &mut failures);
    let what = format!("gateway {}", config.gateway);
    let gateway = check_address(&what, &config.gateway, &config.subnet, subnet, &mut failures);
    let mut auxiliary = BTreeMap::new();
    for (name, text) in &config.auxiliary_addresses {
        let what = format!("auxiliary address {name}");
        if let Some(address) = check_address(&what, text, &config.subnet, subnet, &mut failures) {
            auxiliary.insert(name.clone(), address);
        }
    }
    if failures.is_empty() {
        Ok(SubnetRecord {
            subnet,
            requested: true,
            range,
            gateway,
            auxiliary,
        })
    } else {
        Err(failures)
    }
}

/// Whether what was written has no bits below its prefix; it may spell an address in more than one way.
fn is_first_address(text: &str, subnet: Subnet) -> bool {
    let address = text.split_once('/').and_then(|(address, _)| address.parse().ok());
    address == Some(subnet.address())
}

fn check_range(config: &IpamConfig, subnet: Subnet, failures: &mut Vec<String>) -> Option<Subnet> {
    let text = &config.ip_range;
    if text.is_empty() {
        return None;
    }
    let Ok(range) = text.parse::<Subnet>() else {
        failures.push(format!("invalid ip-range {text}: invalid CIDR block notation"));
        return None;
    };
    if range.address().is_ipv4() != subnet.address().is_ipv4() {
        failures.push(format!(
            "invalid ip-range {text}: parent subnet is an {} block",
            family(subnet)
        ));
    } else if range.prefix() < subnet.prefix() {
        failures.push(format!(
            "invalid ip-range {text}: CIDR block is bigger than its parent subnet {subnet}"
        ));
    } else if !is_first_address(text, range) {
        failures.push(format!("invalid ip-range {text}: it should be {range}"));
    } else if !subnet.contains(range.address()) {
        failures.push(format!(
            "invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range"
        ));
    }
    Some(range)
}

fn check_address(what: &str, text: &str, given: &str, subnet: Subnet, failures: &mut Vec<String>) -> Option<IpAddr> {
    if text.is_empty() {
        return None;
    }
    let Ok(address) = text.parse::<IpAddr>() else {
        failures.push(format!("invalid {what}: invalid address"));
        return None;
    };
    if address.is_ipv4() != subnet.address().is_ipv4() {
        failures.push(format!("invalid {what}: parent subnet is an {} block", family(subnet)));
    } else if !subnet.contains(address) {
        failures.push(format!(
            "invalid {what}: parent subnet {given} doesn't contain this address"
        ));
    }
    Some(address)
}

fn family(subnet: Subnet) -> &'static str {
    if subnet.address().is_ipv4() { "IPv4" } else { "IPv6" }
}

fn check_families(subnets: &[SubnetRecord], driver: &str, (ipv4, ipv6): (bool, bool), config_only: bool) -> Result<()> {
    if config_only {
        return Ok(());
    }
    for (four, _) in [(true, ipv4), (false, ipv6)]
        .into_iter()
        .filter(|(_, enabled)| *enabled)
    {
        let count = subnets
            .iter()
            .filter(|entry| entry.subnet.address().is_ipv4() == four)
            .count();
        if count > 1 {
            return Err(Error::forbidden(format!(
                "{driver} driver doesn't support multiple subnets"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> NetworkCreateBody {
        serde_json::from_str(json).unwrap()
    }

    fn refused(json: &str) -> String {
        check(&body(json)).unwrap_err().message
    }

    #[test]
    fn defaults() {
        let record = check(&body(r#"{"Name":"n1"}"#)).unwrap();
        assert_eq!(
            (record.driver.as_str(), record.ipv4, record.ipv6),
            ("bridge", true, false)
        );
        assert!(record.subnets.is_empty());
    }

    #[test]
    fn refusals_in_dockers_words() {
        let table = [
            (r#"{"Name":""}"#, "invalid name: name is empty"),
            (
                r#"{"Name":"host"}"#,
                "operation is not permitted on predefined host network ",
            ),
            (r#"{"Name":"n","Driver":"nope"}"#, "plugin \"nope\" not found"),
            (
                r#"{"Name":"n","Driver":"host"}"#,
                "only one instance of \"host\" network is allowed",
            ),
            (
                r#"{"Name":"n","ConfigOnly":true,"ConfigFrom":{"Network":"x"}}"#,
                "a configuration network cannot depend on another configuration network",
            ),
            (
                r#"{"Name":"n","ConfigFrom":{"Network":"x"},"Options":{"a":"b"}}"#,
                "network driver options are not supported if the network depends on a configuration network",
            ),
            (
                r#"{"Name":"n","ConfigFrom":{"Network":"x"},"Labels":{"a":"b"}}"#,
                "user specified configurations are not supported if the network depends on a configuration network",
            ),
            (
                r#"{"Name":"n","Ingress":true}"#,
                "Ingress network can only be global scope network",
            ),
            (
                r#"{"Name":"n","Options":{"com.docker.network.enable_ipv6":"x"}}"#,
                "driver-opt \"com.docker.network.enable_ipv6\" is not a valid bool",
            ),
            (
                r#"{"Name":"n","Options":{"com.docker.network.bridge.gateway_mode_ipv6":"isolated"}}"#,
                "gateway mode 'isolated' can only be used for an internal network",
            ),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Gateway":"10.1.0.1"}]}}"#,
                "invalid network config:\ninvalid subnet : invalid CIDR block notation",
            ),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.1.0.0/24","Gateway":"10.1.0.255"}]}}"#,
                "failed to allocate gateway (10.1.0.255): Address already in use",
            ),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.1.0.0/24","AuxiliaryAddresses":{"a":"10.1.0.1"}}]}}"#,
                "failed to allocate secondary ip address (a:10.1.0.1): Address already in use",
            ),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.1.0.0/24","AuxiliaryAddresses":{"a":"10.2.0.1"}}]}}"#,
                "invalid network config:\ninvalid auxiliary address a: parent subnet 10.1.0.0/24 doesn't contain this address",
            ),
            (
                r#"{"Name":"n","EnableIPv6":true,"IPAM":{"Config":[{"Subnet":"::/0"}]}}"#,
                "ipv6 pool is empty",
            ),
            (r#"{"Name":"n","EnableIPv4":false}"#, "IPv4 or IPv6 must be enabled"),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"192.168.24.5/24"}]}}"#,
                "invalid network config:\ninvalid subnet 192.168.24.5/24: it should be 192.168.24.0/24",
            ),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.1.0.0/33"}]}}"#,
                "invalid network config:\ninvalid subnet 10.1.0.0/33: invalid CIDR block notation",
            ),
            (
                r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.1.0.0/24"},{"Subnet":"10.1.1.0/24"}]}}"#,
                "bridge driver doesn't support multiple subnets",
            ),
            (
                r#"{"Name":"n","Options":{"com.docker.network.driver.mtu":"x"}}"#,
                "failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing \"x\": invalid syntax)",
            ),
        ];
        for (json, text) in table {
            assert_eq!(refused(json), text, "{json}");
        }
        let two =
            r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.1.0.0/24","Gateway":"10.2.0.1","IPRange":"10.1.0.0/16"}]}}"#;
        let text = refused(two);
        assert!(
            text.starts_with("invalid network config:\n* invalid ip-range 10.1.0.0/16: "),
            "{text}"
        );
        assert!(text.contains("\n* invalid gateway 10.2.0.1: parent subnet 10.1.0.0/24 doesn't contain this address"));
    }

    #[test]
    fn subnets_of_one_address() {
        let with = |subnet: &str| {
            let json = format!(r#"{{"Name":"n","EnableIPv6":true,"IPAM":{{"Config":[{{"Subnet":"{subnet}"}}]}}}}"#);
            check(&body(&json)).map(drop).map_err(|error| error.message)
        };
        assert_eq!(with("10.1.0.0/32"), Ok(()));
        let full = "failed to allocate gateway (): no available addresses on this pool";
        assert_eq!(with("fd00:9::/128"), Err(full.to_owned()));
    }

    #[test]
    fn a_whole_subnet() {
        let json = r#"{"Name":"n","EnableIPv6":true,"IPAM":{"Config":[
            {"Subnet":"10.1.0.0/24","Gateway":"10.1.0.7","IPRange":"10.1.0.128/25","AuxiliaryAddresses":{"a":"10.1.0.5"}},
            {"Subnet":"fd00:1::/64"}]}}"#;
        let record = check(&body(json)).unwrap();
        let four = record.subnet(true).unwrap();
        assert_eq!(four.effective_gateway().to_string(), "10.1.0.7");
        assert_eq!(four.auxiliary["a"].to_string(), "10.1.0.5");
        assert_eq!(
            record.subnet(false).unwrap().effective_gateway().to_string(),
            "fd00:1::1"
        );
    }
}
