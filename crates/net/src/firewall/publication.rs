//! A published port, and the map element that it is in the kernel.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use corten_sys::nftables::{Element, Entry, Value};

use crate::port::Protocol;

/// Host ports of one IPv4 address.
pub const PUBLISHED4: &str = "published4";
/// Host ports of all IPv4 addresses.
pub const PUBLISHED_ANY4: &str = "published_any4";
/// Host ports of one IPv6 address.
pub const PUBLISHED6: &str = "published6";
/// Host ports of all IPv6 addresses.
pub const PUBLISHED_ANY6: &str = "published_any6";
/// Ports of containers' own IPv4 addresses that are open to all.
pub const DIRECT4: &str = "direct4";
/// Ports of containers' own IPv6 addresses that are open to all.
pub const DIRECT6: &str = "direct6";
/// The maps and sets that hold publications.
pub const MAPS: [&str; 6] = [PUBLISHED4, PUBLISHED_ANY4, PUBLISHED6, PUBLISHED_ANY6, DIRECT4, DIRECT6];

/// A host port that the kernel translates, or, where both ends are the same, a port that is open at the
/// container's own address. Both ends are of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Publication {
    /// Transport.
    pub protocol: Protocol,
    /// Host address and port; an unspecified address means all of its family.
    pub host: SocketAddr,
    /// Container address and port.
    pub container: SocketAddr,
}

impl Publication {
    fn map(&self) -> &'static str {
        if self.host == self.container {
            return if self.host.is_ipv4() { DIRECT4 } else { DIRECT6 };
        }
        match (self.host.ip(), self.host.ip().is_unspecified()) {
            (IpAddr::V4(_), false) => PUBLISHED4,
            (IpAddr::V4(_), true) => PUBLISHED_ANY4,
            (IpAddr::V6(_), false) => PUBLISHED6,
            (IpAddr::V6(_), true) => PUBLISHED_ANY6,
        }
    }

    fn element(&self) -> Entry {
        let mut key = Vec::with_capacity(24);
        if !self.host.ip().is_unspecified() {
            push_address(&mut key, self.host.ip());
        }
        key.extend_from_slice(&[self.protocol.number(), 0, 0, 0]);
        push_port(&mut key, self.host.port());
        if self.host == self.container {
            return (key, Value::None);
        }
        let mut value = Vec::with_capacity(20);
        push_address(&mut value, self.container.ip());
        push_port(&mut value, self.container.port());
        (key, Value::Bytes(value))
    }

    /// The publication that an element of a map is; `None` if it is none of ours.
    #[must_use]
    pub fn decode(map: &str, element: &Element) -> Option<Self> {
        let mut key = element.key.as_slice();
        let mut value = element.value.as_slice();
        let (host, container) = match map {
            DIRECT4 => (take_address4(&mut key)?, None),
            DIRECT6 => (take_address6(&mut key)?, None),
            PUBLISHED4 => (take_address4(&mut key)?, Some(take_address4(&mut value)?)),
            PUBLISHED_ANY4 => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), Some(take_address4(&mut value)?)),
            PUBLISHED6 => (take_address6(&mut key)?, Some(take_address6(&mut value)?)),
            PUBLISHED_ANY6 => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), Some(take_address6(&mut value)?)),
            _ => return None,
        };
        let [number, _, _, _] = take(&mut key)?;
        let protocol = [Protocol::Tcp, Protocol::Udp]
            .into_iter()
            .find(|protocol| protocol.number() == number)?;
        let host = SocketAddr::new(host, take_port(&mut key)?);
        let container = match container {
            Some(address) => SocketAddr::new(address, take_port(&mut value)?),
            None => host,
        };
        Some(Self {
            protocol,
            host,
            container,
        })
    }
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.container, self.protocol)
    }
}

/// The elements of one map that these publications are.
#[must_use]
pub fn elements(map: &str, ports: &[Publication]) -> Vec<Entry> {
    ports
        .iter()
        .filter(|port| port.map() == map)
        .map(Publication::element)
        .collect()
}

fn push_address(bytes: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(four) => bytes.extend_from_slice(&four.octets()),
        IpAddr::V6(six) => bytes.extend_from_slice(&six.octets()),
    }
}

fn push_port(bytes: &mut Vec<u8>, port: u16) {
    let [high, low] = port.to_be_bytes();
    bytes.extend_from_slice(&[high, low, 0, 0]);
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

fn take_address4(bytes: &mut &[u8]) -> Option<IpAddr> {
    take::<4>(bytes).map(IpAddr::from)
}

fn take_address6(bytes: &mut &[u8]) -> Option<IpAddr> {
    take::<16>(bytes).map(IpAddr::from)
}

fn take_port(bytes: &mut &[u8]) -> Option<u16> {
    take::<4>(bytes).map(|[high, low, _, _]| u16::from_be_bytes([high, low]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address() -> impl Strategy<Value = (IpAddr, IpAddr)> {
        prop_oneof![
            (any::<u32>(), any::<u32>())
                .prop_map(|(a, b)| (IpAddr::from(a.to_be_bytes()), IpAddr::from(b.to_be_bytes()))),
            (any::<u128>(), any::<u128>())
                .prop_map(|(a, b)| (IpAddr::from(a.to_be_bytes()), IpAddr::from(b.to_be_bytes()))),
            any::<u32>().prop_map(|a| (IpAddr::from(a.to_be_bytes()), IpAddr::from(a.to_be_bytes()))),
            any::<u32>().prop_map(|b| (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::from(b.to_be_bytes()))),
            any::<u128>().prop_map(|b| (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::from(b.to_be_bytes()))),
        ]
    }

    proptest! {
        #[test]
        fn elements_are_read_back((host, container) in address(), from: u16, to: u16, udp: bool) {
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            let (host, container) = (SocketAddr::new(host, from), SocketAddr::new(container, to));
            let port = Publication { protocol, host, container };
            let (key, value) = port.element();
            let value = match value {
                Value::Bytes(value) => value,
                Value::None | Value::Verdict(_) => Vec::new(),
            };
            prop_assert_eq!(Publication::decode(port.map(), &Element { key, value }), Some(port));
            prop_assert_eq!(MAPS.iter().map(|map| elements(map, &[port]).len()).sum::<usize>(), 1);
        }

        #[test]
        fn foreign_elements_are_no_publications(key: Vec<u8>, value: Vec<u8>) {
            for map in MAPS {
                let _ignored = Publication::decode(map, &Element { key: key.clone(), value: value.clone() });
            }
        }
    }
}
