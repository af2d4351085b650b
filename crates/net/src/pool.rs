//! Which subnet a new network gets: the first of the pools that overlaps nothing of the host's. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Subnet;

/// Docker's `default-address-pools`: networks, and the prefix length of the subnets cut from them.
#[must_use]
pub fn defaults() -> Vec<(Subnet, u8)> {
    let pool = |a, b, prefix, size| (Subnet::new(IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), prefix), size);
    vec![
        pool(172, 17, 16, 16),
        pool(172, 18, 16, 16),
        pool(172, 19, 16, 16),
        pool(172, 20, 14, 16),
        pool(172, 24, 14, 16),
        pool(172, 28, 14, 16),
        pool(192, 168, 16, 20),
    ]
}

/// An IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The pools of one family; Docker's where none is configured.
#[must_use]
pub fn of_family(configured: &[(Subnet, u8)], family: Family) -> Vec<(Subnet, u8)> {
    let fits = |pool: &Subnet| pool.address().is_ipv4() == (family == Family::V4);
    let chosen: Vec<_> = configured.iter().filter(|(pool, _)| fits(pool)).copied().collect();
    if chosen.is_empty() && family == Family::V4 {
        return defaults();
    }
    chosen
}

/// The first subnet of the pools that overlaps none of `occupied`.
#[must_use]
pub fn choose(pools: &[(Subnet, u8)], occupied: &[Subnet]) -> Option<Subnet> {
    pools
        .iter()
        .flat_map(|&(pool, size)| cut(pool, size))
        .find(|subnet| !occupied.iter().any(|other| other.overlaps(subnet)))
}

/// The first address of a subnet that a container or bridge can have: of an IPv4 subnet of two or one its own.
#[must_use]
pub fn first_address(subnet: Subnet) -> IpAddr {
    match subnet.address() {
        IpAddr::V4(four) if subnet.prefix() >= 31 => IpAddr::V4(four),
        IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits().saturating_add(1))),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits().saturating_add(1))),
    }
}

fn cut(pool: Subnet, size: u8) -> impl Iterator<Item = Subnet> {
    let size = size.max(pool.prefix());
    let mut next = Some(Subnet::new(pool.address(), size));
    std::iter::from_fn(move || {
        let subnet = next?;
        next = following(subnet).filter(|following| pool.contains(following.address()));
        Some(subnet)
    })
}

fn following(subnet: Subnet) -> Option<Subnet> {
    let address = match subnet.last() {
        IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits().checked_add(1)?)),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits().checked_add(1)?)),
    };
    Some(Subnet::new(address, subnet.prefix()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Subnet {
        text.parse().expect("a network")
    }

    #[test]
    fn the_first_free_one() {
        let cases: [(&[&str], Option<&str>); 6] = [
            (&[], Some("172.17.0.0/16")),
            (&["172.17.5.0/24"], Some("172.18.0.0/16")),
            (&["172.16.0.0/14"], Some("172.20.0.0/16")),
            (&["172.16.0.0/14", "172.20.0.9/32"], Some("172.21.0.0/16")),
            (&["172.16.0.0/12"], Some("192.168.0.0/20")),
            (&["172.16.0.0/12", "192.168.0.0/16", "fd00::/8"], None),
        ];
        for (occupied, expected) in cases {
            let occupied: Vec<_> = occupied.iter().copied().map(net).collect();
            assert_eq!(choose(&defaults(), &occupied), expected.map(net), "{occupied:?}");
        }
    }

    #[test]
    fn all_subnets_of_a_pool_are_tried() {
        let pool = [(net("192.168.0.0/16"), 20)];
        let occupied: Vec<_> = cut(pool[0].0, 20).collect();
        assert_eq!(occupied.len(), 16);
        assert_eq!(choose(&pool, &occupied[..15]), Some(net("192.168.240.0/20")));
        assert_eq!(
            choose(&[(net("255.255.255.0/24"), 25)], &[net("255.255.255.0/25")]),
            Some(net("255.255.255.128/25"))
        );
        assert_eq!(first_address(net("172.17.0.0/16")).to_string(), "172.17.0.1");
        assert_eq!(first_address(net("10.9.0.0/31")).to_string(), "10.9.0.0");
    }
}
