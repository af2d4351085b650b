//! What a creation asks for, checked, in Docker's words (pure). Observed: dockerd 28.5.

use std::collections::BTreeMap;
use std::net::IpAddr;

use corten_api::network::{Ipam, IpamConfig, NetworkCreateBody};
use corten_net::Subnet;

use super::options::{self, BridgeOptions};
use super::record::{NetworkRecord, SubnetRecord};
use crate::error::{Error, Result};

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
            "operation is not permitted on predefined {name} network"
        )));
    }
    if name.is_empty() {
        return Err(Error::invalid("invalid name: name is empty"));
    }
    if body.scope == "swarm" {
        return Err(Error::forbidden(
            "cannot create a swarm scoped network when swarm is not active",
        ));
    }
    let driver = check_driver(body)?;
    let (ipv4, ipv6) = (body.enable_ipv4.unwrap_or(true), body.enable_ipv6.unwrap_or(false));
    let subnets = match &body.ipam {
        Some(ipam) => check_ipam(ipam)?,
        None => Vec::new(),
    };
    if !ipv4 && !ipv6 && !body.config_only {
        return Err(Error::invalid("IPv4 or IPv6 must be enabled"));
    }
    check_families(&subnets, driver, (ipv4, ipv6), body.config_only)?;
    let options = body.options.clone().into_entries();
    if driver == "bridge" {
        let parsed = BridgeOptions::parse(&options)?;
        if ipv6 {
            options::check_modes(&parsed, body.internal)?;
        } else {
            let modes = (parsed.modes.0, parsed.modes.0);
            options::check_modes(&BridgeOptions { modes, ..parsed }, body.internal)?;
        }
    }
    Ok(NetworkRecord {
        version: super::record::VERSION,
        name: name.clone(),
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
            .map(|ipam| ipam.options.clone().into_entries())
            .unwrap_or_default(),
        subnets,
        ..NetworkRecord::default()
    })
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
        "overlay" => Err(Error::unavailable(NO_SWARM)),
        driver => Err(Error::not_found(format!("plugin \"{driver}\" not found"))),
    }
}

fn check_ipam(ipam: &Ipam) -> Result<Vec<SubnetRecord>> {
    if !matches!(ipam.driver.as_str(), "" | "default") {
        return Err(Error::not_found(format!("plugin \"{}\" not found", ipam.driver)));
    }
    let mut failures = Vec::new();
    let mut subnets = Vec::new();
    for config in &ipam.config {
        match check_subnet(config) {
            Ok(subnet) => subnets.extend(subnet),
            Err(mut wrong) => failures.append(&mut wrong),
        }
    }
    match failures.as_slice() {
        [] => Ok(subnets),
        failures => Err(Error::invalid(format!(
            "invalid network config:\n{}",
            super::listed(failures)
        ))),
    }
}

/// One entry; one without a subnet asks for any.
fn check_subnet(config: &IpamConfig) -> Result<Option<SubnetRecord>, Vec<String>> {
    if config.subnet.is_empty() {
        return Ok(None);
    }
    let mut failures = Vec::new();
    let Ok(subnet) = config.subnet.parse::<Subnet>() else {
        return Err(vec![format!(
            "invalid subnet {}: invalid CIDR block notation",
            config.subnet
        )]);
    };
    if subnet.to_string() != config.subnet {
        failures.push(format!("invalid subnet {}: it should be {subnet}", config.subnet));
    }
    let range = check_range(config, subnet, &mut failures);
    let gateway = check_address("gateway", &config.gateway, &config.subnet, subnet, &mut failures);
    let mut auxiliary = BTreeMap::new();
    for (name, text) in &config.auxiliary_addresses {
        let what = format!("auxiliary address {name}");
        if let Some(address) = check_address(&what, text, &config.subnet, subnet, &mut failures) {
            auxiliary.insert(name.clone(), address);
        }
    }
    if failures.is_empty() {
        Ok(Some(SubnetRecord {
            subnet,
            requested: true,
            range,
            gateway,
            auxiliary,
        }))
    } else {
        Err(failures)
    }
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
    } else if range.to_string() != *text {
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
        failures.push(format!("invalid {what} {text}: invalid address"));
        return None;
    };
    if address.is_ipv4() != subnet.address().is_ipv4() {
        failures.push(format!(
            "invalid {what} {text}: parent subnet is an {} block",
            family(subnet)
        ));
    } else if !subnet.contains(address) {
        failures.push(format!(
            "invalid {what} {text}: parent subnet {given} doesn't contain this address"
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
    for (four, enabled) in [(true, ipv4), (false, ipv6)] {
        let count = subnets
            .iter()
            .filter(|entry| entry.subnet.address().is_ipv4() == four)
            .count();
        if count > 1 {
            return Err(Error::invalid(format!(
                "{driver} driver doesn't support multiple subnets"
            )));
        }
        if count > 0 && !enabled && four {
            return Err(Error::invalid("IPv4 is disabled, but an IPv4 subnet was given"));
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
                "operation is not permitted on predefined host network",
            ),
            (r#"{"Name":"n","Driver":"nope"}"#, "plugin \"nope\" not found"),
            (
                r#"{"Name":"n","Driver":"host"}"#,
                "only one instance of \"host\" network is allowed",
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
