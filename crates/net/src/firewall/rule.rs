//! The parts that rules are put together from. Pure.
//!
//! Comparisons use register 0 and end the rule when they fail; keys of maps take the registers from 0 on.

use std::net::{IpAddr, Ipv6Addr};

use corten_sys::nftables::expression::{Connection, Header, Meta, Register};
use corten_sys::nftables::{Expression, Verdict};

use super::plan::{ACTIVE4, ACTIVE6};
use crate::Subnet;

/// NFPROTO_IPV4
pub(super) const IPV4: u8 = 2;
/// NFPROTO_IPV6
pub(super) const IPV6: u8 = 10;
/// `fib daddr type local`
const LOCAL: u32 = 2;

pub(super) const R0: Register = Register(0);
pub(super) const R1: Register = Register(1);
pub(super) const R2: Register = Register(2);
pub(super) const R3: Register = Register(3);
pub(super) const R4: Register = Register(4);
pub(super) const R5: Register = Register(5);

/// Offsets in IP headers.
pub(super) const SOURCE4: u32 = 12;
pub(super) const DESTINATION4: u32 = 16;
pub(super) const SOURCE6: u32 = 8;
pub(super) const DESTINATION6: u32 = 24;

pub(super) fn rule<const N: usize>(parts: [Vec<Expression>; N]) -> Vec<Expression> {
    parts.concat()
}

pub(super) fn end(verdict: Verdict) -> Vec<Expression> {
    vec![Expression::End(verdict)]
}

pub(super) fn family(number: u8) -> Vec<Expression> {
    vec![Expression::Meta(Meta::Family, R0), Expression::Equal(R0, vec![number])]
}

pub(super) fn load(offset: u32, length: u32) -> Expression {
    Expression::Payload {
        header: Header::Network,
        offset,
        length,
        to: R0,
    }
}

/// An IPv4 address field in 127/8.
pub(super) fn loopback(offset: u32) -> Vec<Expression> {
    rule([family(IPV4), vec![load(offset, 1), Expression::Equal(R0, vec![127])]])
}

/// The IPv6 destination `::1`.
pub(super) fn loopback6() -> Vec<Expression> {
    let one = Ipv6Addr::LOCALHOST.octets().to_vec();
    rule([family(IPV6), vec![load(DESTINATION6, 16), Expression::Equal(R0, one)]])
}

/// An IPv6 source that is valid on its link only.
pub(super) fn link_local_source() -> Vec<Expression> {
    rule([
        family(IPV6),
        vec![
            load(SOURCE6, 2),
            Expression::Mask(R0, vec![0xff, 0xc0]),
            Expression::Equal(R0, vec![0xfe, 0x80]),
        ],
    ])
}

pub(super) fn local_destination() -> Vec<Expression> {
    vec![
        Expression::DestinationKind(R0),
        Expression::Equal(R0, LOCAL.to_ne_bytes().to_vec()),
    ]
}

/// A connection property that has at least one of the bits.
pub(super) fn has(property: Connection, bits: u32) -> Vec<Expression> {
    vec![
        Expression::Connection(property, R0),
        Expression::Mask(R0, bits.to_ne_bytes().to_vec()),
        Expression::NotEqual(R0, vec![0; 4]),
    ]
}

/// An address field of an IP header.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    Source,
    Destination,
}

/// The source address is one of the subnet's.
pub(super) fn source(subnet: Subnet) -> Vec<Expression> {
    within(subnet, Field::Source)
}

/// The destination address is one of the subnet's.
pub(super) fn destination(subnet: Subnet) -> Vec<Expression> {
    within(subnet, Field::Destination)
}

fn within(subnet: Subnet, field: Field) -> Vec<Expression> {
    let (number, address) = match subnet.address() {
        IpAddr::V4(four) => (IPV4, four.octets().to_vec()),
        IpAddr::V6(six) => (IPV6, six.octets().to_vec()),
    };
    let mask = Expression::Mask(R0, mask(subnet.prefix(), address.len()));
    rule([
        family(number),
        vec![load_field(subnet, field), mask, Expression::Equal(R0, address)],
    ])
}

/// Adds the address of a field, known to be the subnet's, to those that had connections.
pub(super) fn remember(subnet: Subnet, field: Field) -> Vec<Expression> {
    let set = if subnet.address().is_ipv4() { ACTIVE4 } else { ACTIVE6 };
    vec![load_field(subnet, field), Expression::Remember(set.to_owned(), R0)]
}

fn load_field(subnet: Subnet, field: Field) -> Expression {
    match (subnet.address(), field) {
        (IpAddr::V4(_), Field::Source) => load(SOURCE4, 4),
        (IpAddr::V4(_), Field::Destination) => load(DESTINATION4, 4),
        (IpAddr::V6(_), Field::Source) => load(SOURCE6, 16),
        (IpAddr::V6(_), Field::Destination) => load(DESTINATION6, 16),
    }
}

fn mask(prefix: u8, bytes: usize) -> Vec<u8> {
    let byte = |index: usize| {
        let ones = usize::from(prefix).saturating_sub(index * 8).min(8);
        u8::try_from(0xff00_u32 >> ones & 0xff).expect("masked to a byte")
    };
    (0..bytes).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        assert_eq!(mask(16, 4), [255, 255, 0, 0]);
        assert_eq!(mask(20, 4), [255, 255, 0xf0, 0]);
        assert_eq!(mask(0, 4), [0; 4]);
        assert_eq!(mask(32, 4), [255; 4]);
        assert_eq!(mask(65, 16)[..10], [255, 255, 255, 255, 255, 255, 255, 255, 0x80, 0]);
    }
}
