//! Which addresses of a subnet are taken: a pure table. The lowest free address is next, as Docker does;
//! a former owner's traces are removed when an address is released (connections) and taken (neighbours).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Subnet;

/// The leases of one subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leases {
    subnet: Subnet,
    first: u128,
    last: u128,
    taken: BTreeSet<u128>,
    /// No address of the range below this one is free.
    lowest: u128,
}

/// An address cannot be leased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// The subnet is full.
    #[error("no available {family} addresses on this network's address pools: {subnet}")]
    Exhausted {
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// The subnet.
        subnet: Subnet,
    },
    /// Somebody else has it.
    #[error("Address already in use")]
    InUse(IpAddr),
    /// It is none of the subnet's, or one that no container can have.
    #[error("invalid address {0}: It does not belong to any of this network's subnets")]
    Outside(IpAddr),
}

impl Leases {
    /// A table with nothing taken but what no container can have: an IPv4 subnet's first and last address (not of
    /// two, RFC 3021), an IPv6 subnet's first, and the gateway. New addresses come from `range`, static ones from
    /// anywhere.
    #[must_use]
    pub fn new(subnet: Subnet, range: Option<Subnet>, gateway: Option<IpAddr>) -> Self {
        let range = range.filter(|range| subnet.contains(range.address())).unwrap_or(subnet);
        let (first, last) = (number(range.address()), number(range.last()));
        let mut taken = BTreeSet::from_iter(gateway.map(number));
        match subnet.address() {
            IpAddr::V4(_) if subnet.prefix() < 31 => taken.extend([number(subnet.address()), number(subnet.last())]),
            IpAddr::V4(_) => {}
            IpAddr::V6(six) => drop(taken.insert(six.to_bits())),
        }
        Self {
            subnet,
            first,
            last,
            taken,
            lowest: first,
        }
    }

    /// Leases the lowest free address.
    ///
    /// # Errors
    /// There is none.
    pub fn lease(&mut self) -> Result<IpAddr, LeaseError> {
        let mut candidate = self.lowest;
        for &taken in self.taken.range(candidate..) {
            if taken != candidate {
                break;
            }
            candidate = candidate.saturating_add(1);
        }
        self.lowest = candidate;
        if candidate > self.last || self.taken.contains(&candidate) {
            return Err(self.exhausted());
        }
        self.taken.insert(candidate);
        Ok(self.address(candidate))
    }

    /// Leases this address.
    ///
    /// # Errors
    /// It is taken, or none of the subnet's.
    pub fn lease_static(&mut self, address: IpAddr) -> Result<(), LeaseError> {
        if !self.subnet.contains(address) {
            return Err(LeaseError::Outside(address));
        }
        if self.taken.insert(number(address)) {
            Ok(())
        } else {
            Err(LeaseError::InUse(address))
        }
    }

    /// Gives an address back; that it was not leased is fine.
    pub fn release(&mut self, address: IpAddr) {
        let number = number(address);
        if self.subnet.contains(address) && self.taken.remove(&number) && (self.first..=self.last).contains(&number) {
            self.lowest = self.lowest.min(number);
        }
    }

    /// The subnet.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        self.subnet
    }

    fn exhausted(&self) -> LeaseError {
        let family = if self.subnet.address().is_ipv4() {
            "IPv4"
        } else {
            "IPv6"
        };
        LeaseError::Exhausted {
            family,
            subnet: self.subnet,
        }
    }

    fn address(&self, number: u128) -> IpAddr {
        if self.subnet.address().is_ipv4() {
            IpAddr::V4(Ipv4Addr::from_bits(
                u32::try_from(number).expect("an IPv4 range ends below 2^32"),
            ))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(number))
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(four.to_bits()),
        IpAddr::V6(six) => six.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn leases(subnet: &str, range: Option<&str>, gateway: &str) -> Leases {
        let net = |text: &str| text.parse().expect("a subnet");
        Leases::new(net(subnet), range.map(net), Some(ip(gateway)))
    }

    #[test]
    fn lowest_free_first() {
        let mut table = leases("172.17.0.0/16", None, "172.17.0.1");
        assert_eq!(table.lease(), Ok(ip("172.17.0.2")));
        assert_eq!(table.lease(), Ok(ip("172.17.0.3")));
        table.release(ip("172.17.0.2"));
        assert_eq!(table.lease(), Ok(ip("172.17.0.2")));
        assert_eq!(table.lease(), Ok(ip("172.17.0.4")));
    }

    #[test]
    fn static_addresses() {
        let mut table = leases("10.0.0.0/29", None, "10.0.0.1");
        assert_eq!(table.lease_static(ip("10.0.0.3")), Ok(()));
        assert_eq!(
            table.lease_static(ip("10.0.0.3")),
            Err(LeaseError::InUse(ip("10.0.0.3")))
        );
        for reserved in ["10.0.0.0", "10.0.0.1", "10.0.0.7"] {
            assert_eq!(table.lease_static(ip(reserved)), Err(LeaseError::InUse(ip(reserved))));
        }
        for outside in ["10.0.1.1", "fd00::1"] {
            assert_eq!(table.lease_static(ip(outside)), Err(LeaseError::Outside(ip(outside))));
        }
        let rest: Vec<_> = std::iter::from_fn(|| table.lease().ok()).collect();
        assert_eq!(rest, ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"].map(ip));
        assert!(matches!(
            table.lease(),
            Err(LeaseError::Exhausted { family: "IPv4", .. })
        ));
    }

    #[test]
    fn a_subnet_of_two_gives_both_where_none_is_the_gateways() {
        let subnet: Subnet = "10.9.0.0/31".parse().unwrap();
        let all = |gateway: Option<&str>| {
            let mut table = Leases::new(subnet, None, gateway.map(ip));
            std::iter::from_fn(|| table.lease().ok()).collect::<Vec<_>>()
        };
        assert_eq!(all(None), [ip("10.9.0.0"), ip("10.9.0.1")]);
        assert_eq!(all(Some("10.9.0.0")), [ip("10.9.0.1")]);
        let mut larger = Leases::new("10.9.0.0/30".parse().unwrap(), None, None);
        assert_eq!(larger.lease(), Ok(ip("10.9.0.1")));
    }

    #[test]
    fn a_range_limits_new_addresses() {
        let mut table = leases("10.0.0.0/24", Some("10.0.0.128/31"), "10.0.0.1");
        table.release(ip("10.0.0.9"));
        assert_eq!(table.lease(), Ok(ip("10.0.0.128")));
        assert_eq!(table.lease(), Ok(ip("10.0.0.129")));
        assert!(table.lease().is_err());
        assert_eq!(table.lease_static(ip("10.0.0.9")), Ok(()));
        table.release(ip("10.0.0.9"));
        assert!(table.lease().is_err());
    }

    #[test]
    fn ends_of_the_number_space() {
        let mut table = leases("255.255.255.252/30", None, "255.255.255.253");
        assert_eq!(table.lease(), Ok(ip("255.255.255.254")));
        assert!(table.lease().is_err());
        let mut table = leases(
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
            None,
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
        );
        assert_eq!(table.lease(), Ok(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
        assert!(table.lease().is_err());
        assert!(table.lease().is_err());
    }

    proptest! {
        #[test]
        fn never_leased_twice(steps in proptest::collection::vec((0..3u8, 0..16u32), 0..200)) {
            let mut table = leases("10.0.0.0/28", None, "10.0.0.1");
            let mut held = HashSet::new();
            for (step, number) in steps {
                let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
                match step {
                    0 => match table.lease() {
                        Ok(leased) => prop_assert!(held.insert(leased)),
                        Err(_) => prop_assert_eq!(held.len(), 13),
                    },
                    1 => match table.lease_static(address) {
                        Ok(()) => prop_assert!(held.insert(address)),
                        Err(_) => prop_assert!(held.contains(&address) || [0, 1, 15].contains(&number)),
                    },
                    _ => if held.remove(&address) { table.release(address) },
                }
            }
        }
    }
}
