//! Links (`--link`) on a bridge whose containers may not talk to each other: what one may still begin with another.
//!
//! ```text
//! table inet     linked4       address . address . protocol . port: who may begin with which port of whom
//!                inward_<...>  of such bridges: what is in linked4: accept; for what is routed, and for bridged packets
//!                              where bridges call the IP firewall
//! table bridge   closed        link: the ports of such bridges
//!                linked4       the same as above
//!                links         forward: from one closed port to another only ARP, what is in linked4, and the way back
//! ```
//! The chain is there while there are links. It takes the place of the bridge's own isolation, which knows no
//! exceptions, for the ports of linked containers; all others stay isolated, and pay nothing. IPv4, as with Docker.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use corten_sys::nftables::batch::{Part, ValueKind};
use corten_sys::nftables::expression::{Header, Meta};
use corten_sys::nftables::{Batch, Chain, Element, Entry, Expression, Hook, HookPoint, Map, Value, Verdict};

use super::rule::{DESTINATION4, R0, R1, R2, R3, SOURCE4, end, rule};
use super::{ENOENT, Firewall, FirewallError};
use crate::port::Protocol;

/// Who may begin with which port of whom.
pub(super) const LINKED4: &str = "linked4";
/// The ports of bridges whose containers may not talk to each other.
pub(super) const CLOSED: &str = "closed";
/// The chain's name.
pub(super) const CHAIN: &str = "links";

const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
/// NF_BR_PRI_FILTER_BRIDGED
const PRIORITY: i32 = -200;
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;

/// One port of a linked container, open to the one that links to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Opening {
    /// Address of the container that has the link.
    pub(crate) parent: Ipv4Addr,
    /// Address of the container that it leads to.
    pub(crate) child: Ipv4Addr,
    /// Transport.
    pub(crate) protocol: Protocol,
    /// The child's port.
    pub(crate) port: u16,
}

impl Opening {
    /// Whether the address is one of the two.
    pub(crate) fn concerns(&self, address: IpAddr) -> bool {
        address == IpAddr::V4(self.parent) || address == IpAddr::V4(self.child)
    }

    pub(super) fn entry(&self) -> Entry {
        let mut key = [self.parent.octets(), self.child.octets()].concat();
        key.extend([self.protocol.number(), 0, 0, 0]);
        key.extend(self.port.to_be_bytes());
        key.extend([0, 0]);
        (key, Value::None)
    }

    /// What an element of the set says; `None` if it is none of ours.
    pub(super) fn decode(element: &Element) -> Option<Self> {
        let (parent, rest) = element.key.split_first_chunk::<4>()?;
        let (child, rest) = rest.split_first_chunk::<4>()?;
        let ([number, ..], rest) = rest.split_first_chunk::<4>()?;
        let ([high, low, ..], _) = rest.split_first_chunk::<4>()?;
        let protocol = [Protocol::Tcp, Protocol::Udp]
            .into_iter()
            .find(|protocol| protocol.number() == *number)?;
        Some(Self {
            parent: Ipv4Addr::from(*parent),
            child: Ipv4Addr::from(*child),
            protocol,
            port: u16::from_be_bytes([*high, *low]),
        })
    }
}

impl Firewall {
    /// What links open, as far as is known: by an earlier daemon, too.
    pub(crate) fn links(&self) -> BTreeSet<Opening> {
        self.lock().links.clone()
    }

    /// Takes these for all links there are.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn keep_links(&self, links: BTreeSet<Opening>) -> Result<(), FirewallError> {
        let mut state = self.lock();
        let is_known = state.links == links;
        state.links = links;
        if is_known || !self.means.any_rules() {
            return Ok(());
        }
        self.write(&mut state)
    }

    /// Opens ports of linked containers; that they are open is fine.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn open_links(&self, openings: &[Opening]) -> Result<(), FirewallError> {
        let mut state = self.lock();
        state.links.extend(openings);
        let mut batch = Batch::new(&self.table);
        batch.add_elements(LINKED4, &openings.iter().map(Opening::entry).collect::<Vec<_>>());
        match state.kernel.commit(batch) {
            Err(error) if error.is(ENOENT) => self.repair(&mut state).map(drop),
            result => result.map_err(|source| self.refused(source)),
        }
    }

    /// Closes what [`Self::open_links`] opened; that it is not open is fine.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn close_links(&self, openings: &[Opening]) -> Result<(), FirewallError> {
        let mut state = self.lock();
        let known: Vec<_> = openings
            .iter()
            .filter(|opening| state.links.remove(opening))
            .map(Opening::entry)
            .collect();
        let mut batch = Batch::new(&self.table);
        batch.delete_elements(LINKED4, &known);
        match state.kernel.commit(batch) {
            // The table is gone, or written without them.
            Err(error) if error.is(ENOENT) => Ok(()),
            result => result.map_err(|source| self.refused(source)),
        }
    }
}

/// The set of openings, for either table.
pub(super) fn openings() -> Map {
    Map {
        name: LINKED4.to_owned(),
        key: vec![Part::Ipv4, Part::Ipv4, Part::Protocol, Part::Port],
        value: ValueKind::None,
    }
}

/// The set of closed ports, of the table of bridges.
pub(super) fn closed() -> Map {
    Map {
        name: CLOSED.to_owned(),
        key: vec![Part::Link],
        value: ValueKind::None,
    }
}

/// An IPv4 packet that begins what may be begun, less the check of its family.
pub(super) fn begins() -> Vec<Expression> {
    between(SOURCE4, DESTINATION4, DESTINATION_PORT)
}

/// The way back.
fn answers() -> Vec<Expression> {
    between(DESTINATION4, SOURCE4, SOURCE_PORT)
}

fn between(parent: u32, child: u32, port: u32) -> Vec<Expression> {
    let load = |header, offset, length, to| Expression::Payload {
        header,
        offset,
        length,
        to,
    };
    vec![
        load(Header::Network, parent, 4, R0),
        load(Header::Network, child, 4, R1),
        Expression::Meta(Meta::Protocol, R2),
        load(Header::Transport, port, 2, R3),
        Expression::InSet(LINKED4.to_owned(), R0),
    ]
}

/// The chain of the table of bridges.
pub(super) fn chain() -> Chain {
    let elsewhere = |link| {
        rule([
            vec![Expression::Meta(link, R0), Expression::NotInSet(CLOSED.to_owned(), R0)],
            end(Verdict::Accept),
        ])
    };
    let is = |kind: &[u8]| {
        vec![
            Expression::Meta(Meta::EtherType, R0),
            Expression::Equal(R0, kind.to_vec()),
        ]
    };
    Chain {
        name: CHAIN.to_owned(),
        hook: Some(Hook {
            kind: "filter",
            point: HookPoint::Forward,
            priority: PRIORITY,
        }),
        rules: vec![
            elsewhere(Meta::InputName),
            elsewhere(Meta::OutputName),
            rule([is(&ARP), end(Verdict::Accept)]),
            rule([is(&IPV4), begins(), end(Verdict::Accept)]),
            rule([is(&IPV4), answers(), end(Verdict::Accept)]),
            end(Verdict::Drop),
        ],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn elements_are_read_back(parent: u32, child: u32, port: u16, udp: bool) {
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            let opening = Opening { parent: parent.into(), child: child.into(), protocol, port };
            let (key, _) = opening.entry();
            prop_assert_eq!(Opening::decode(&Element { key, value: Vec::new() }), Some(opening));
        }

        #[test]
        fn foreign_elements_are_no_openings(key in proptest::collection::vec(any::<u8>(), 0..20)) {
            let decoded = Opening::decode(&Element { key: key.clone(), value: Vec::new() });
            prop_assert!(decoded.is_none() || key.len() >= 16);
        }
    }
}
