//! Which range, gateway and reserved address belongs to which subnet of a new network. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use corten_api::network::IpamConfig;

/// What the flags of `network create` say of addresses.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) subnets: Vec<String>,
    pub(super) ranges: Vec<String>,
    pub(super) gateways: Vec<String>,
    /// `--aux-address`, by name.
    pub(super) other: BTreeMap<String, String>,
}

/// The flags contradict each other; Docker's texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlanError {
    #[error("every ip-range or gateway must have a corresponding subnet")]
    Alone,
    #[error("multiple overlapping subnet configuration is not supported")]
    Overlap,
    #[error("invalid subnet: invalid CIDR address: {0}")]
    Subnet(String),
    #[error("invalid CIDR address: {0}")]
    Cidr(String),
    #[error("cannot configure multiple ranges ({new}, {old}) on the same subnet ({subnet})")]
    Ranges { new: String, old: String, subnet: String },
    #[error("cannot configure multiple gateways ({new}, {old}) for the same subnet ({subnet})")]
    Gateways { new: String, old: String, subnet: String },
    #[error("no matching subnet for {what} {address}")]
    Outside { what: &'static str, address: String },
}

/// One pool per subnet, in the order given. The engine checks the rest.
pub(super) fn plan(wishes: Wishes) -> Result<Vec<IpamConfig>, PlanError> {
    let Wishes {
        subnets,
        ranges,
        gateways,
        other,
    } = wishes;
    if subnets.len() < ranges.len() || subnets.len() < gateways.len() {
        return Err(PlanError::Alone);
    }
    let mut pools: Vec<IpamConfig> = Vec::new();
    for subnet in subnets {
        for pool in &pools {
            if holds(&subnet, &pool.subnet)? || holds(&pool.subnet, &subnet)? {
                return Err(PlanError::Overlap);
            }
        }
        pools.push(IpamConfig {
            subnet,
            ..IpamConfig::default()
        });
    }
    for range in ranges {
        cidr(&range).ok_or_else(|| PlanError::Cidr(range.clone()))?;
        for pool in matching(&mut pools, &range, "range")? {
            if !pool.ip_range.is_empty() {
                return Err(PlanError::Ranges {
                    new: range,
                    old: pool.ip_range.clone(),
                    subnet: pool.subnet.clone(),
                });
            }
            pool.ip_range.clone_from(&range);
        }
    }
    for gateway in gateways {
        for pool in matching(&mut pools, &gateway, "gateway")? {
            if !pool.gateway.is_empty() {
                return Err(PlanError::Gateways {
                    new: gateway,
                    old: pool.gateway.clone(),
                    subnet: pool.subnet.clone(),
                });
            }
            pool.gateway.clone_from(&gateway);
        }
    }
    for (name, address) in other {
        for pool in matching(&mut pools, &address, "aux-address")? {
            pool.auxiliary_addresses.insert(name.clone(), address.clone());
        }
    }
    Ok(pools)
}

/// The pools that hold `address`; at least one.
fn matching<'a>(
    pools: &'a mut [IpamConfig],
    address: &str,
    what: &'static str,
) -> Result<Vec<&'a mut IpamConfig>, PlanError> {
    let mut found = Vec::new();
    for pool in pools {
        if holds(&pool.subnet, address)? {
            found.push(pool);
        }
    }
    if found.is_empty() {
        return Err(PlanError::Outside {
            what,
            address: address.to_owned(),
        });
    }
    Ok(found)
}

/// Whether `data`, an address or a prefix, begins inside `subnet`. Text that is no address is nowhere.
fn holds(subnet: &str, data: &str) -> Result<bool, PlanError> {
    let (network, length) = cidr(subnet).ok_or_else(|| PlanError::Subnet(subnet.to_owned()))?;
    let address = if data.contains('/') {
        let (address, _) = cidr(data).ok_or_else(|| PlanError::Cidr(data.to_owned()))?;
        Some(address)
    } else {
        data.parse().ok()
    };
    Ok(address.is_some_and(|address| same_prefix(network, address, length)))
}

fn cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    if !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length: u32 = length.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (length <= longest).then_some((address, length))
}

fn same_prefix(network: IpAddr, address: IpAddr, length: u32) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(Ipv4Addr::BITS - length).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(Ipv6Addr::BITS - length).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(subnets: &[&str], ranges: &[&str], gateways: &[&str], other: &[(&str, &str)]) -> Wishes {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Wishes {
            subnets: owned(subnets),
            ranges: owned(ranges),
            gateways: owned(gateways),
            other: other
                .iter()
                .map(|(name, address)| ((*name).to_owned(), (*address).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn each_goes_to_its_subnet() {
        let pools = plan(wishes(
            &["10.1.0.0/16", "fd00::/64"],
            &["10.1.2.0/24"],
            &["fd00::1", "10.1.0.1"],
            &[("printer", "10.1.0.9")],
        ))
        .unwrap();
        assert_eq!(
            (pools[0].ip_range.as_str(), pools[0].gateway.as_str()),
            ("10.1.2.0/24", "10.1.0.1")
        );
        assert_eq!(pools[0].auxiliary_addresses["printer"], "10.1.0.9");
        assert_eq!(pools[1].gateway, "fd00::1");
        assert_eq!(plan(Wishes::default()).unwrap(), []);
        assert!(plan(wishes(&["0.0.0.0/0"], &[], &["1.2.3.4"], &[])).is_ok());
    }

    #[test]
    fn contradictions_in_dockers_words() {
        let text = |wishes| plan(wishes).unwrap_err().to_string();
        for (wishes, expected) in [
            (
                wishes(&["10.0.0.0/8", "10.1.0.0/16"], &[], &[], &[]),
                "multiple overlapping subnet configuration is not supported",
            ),
            (
                wishes(&[], &[], &["10.1.0.1"], &[]),
                "every ip-range or gateway must have a corresponding subnet",
            ),
            (
                wishes(&["10.9.0.0/16"], &[], &["10.1.0.1"], &[]),
                "no matching subnet for gateway 10.1.0.1",
            ),
            (
                wishes(&["10.9.0.0/16"], &["10.9.0.0/240"], &[], &[]),
                "invalid CIDR address: 10.9.0.0/240",
            ),
            (
                wishes(&["x"], &[], &["10.9.0.1"], &[]),
                "invalid subnet: invalid CIDR address: x",
            ),
            (
                wishes(
                    &["10.9.0.0/16", "10.8.0.0/16"],
                    &["10.9.0.0/24", "10.9.1.0/24"],
                    &[],
                    &[],
                ),
                "cannot configure multiple ranges (10.9.1.0/24, 10.9.0.0/24) on the same subnet (10.9.0.0/16)",
            ),
            (
                wishes(&["10.9.0.0/16", "10.8.0.0/16"], &[], &["10.9.0.1", "10.9.0.2"], &[]),
                "cannot configure multiple gateways (10.9.0.2, 10.9.0.1) for the same subnet (10.9.0.0/16)",
            ),
            (
                wishes(&[], &[], &[], &[("a", "1.1.1.1")]),
                "no matching subnet for aux-address 1.1.1.1",
            ),
        ] {
            assert_eq!(text(wishes), expected);
        }
    }
}
