//! What the table contains, out of the networks there are. Pure.
//!
//! ```text
//! protect   prerouting, raw      127/8 from or to our bridges: drop
//! dstnat    prerouting, dstnat   jump arrival_<bridge> by input; to a local address, 127/8 excepted: jump publish
//!   arrival_<bridge>             remember the source
//! output    output, dstnat       to a local address, ::1 excepted: jump publish
//! publish                        rewrite the destination by the maps, one address before any address; not for a
//!                                source of fe80::/10, forwarded nowhere: the keeper's socket serves it
//! srcnat    postrouting, srcnat  jump hairpin_<bridge> by output, outbound_<bridge> by input
//!   hairpin_<bridge>             remember the destination; a neighbour through a published port, or the host's 127/8: masquerade
//!   outbound_<bridge>            the subnet to elsewhere: masquerade
//! forward   forward, filter      established: accept; drop what leaves an internal network; jump inward_<bridge> by output
//!   inward_<bridge>              neighbours (or those that are linked), published, what is open at containers' own addresses: accept;
//!                                everything else: drop
//!   seclude_<bridge>             of internal networks: to the same bridge: return; everything else: drop
//! ```
//! Chains of type nat see the first packet of each connection. There the containers' addresses are
//! remembered in `active4` and `active6`, so that the connection table, which is large to walk, is walked
//! at a container's end only if the container had connections.
//!
//! Only a rewritten destination opens a container to others: its own address, used from outside or from
//! another network, leads nowhere, whether its port is published or not (as Docker since 28.0).
//! Answers and neighbours pass the forward hook also when they are bridged (`bridge-nf-call-iptables`);
//! a bridged packet has no input link at postrouting, so hairpins are told by their source's subnet.

mod opened;

use std::net::IpAddr;

use corten_sys::nftables::batch::{Part, ValueKind};
use corten_sys::nftables::expression::{
    Connection, Header, Meta, STATE_ESTABLISHED, STATE_RELATED, STATUS_DESTINATION_REWRITTEN,
};
use corten_sys::nftables::{Chain, Entry, Expression, Hook, HookPoint, Map, Value, Verdict};

use super::linked;
use super::publication::{DIRECT4, DIRECT6, PUBLISHED_ANY4, PUBLISHED_ANY6, PUBLISHED4, PUBLISHED6};
use super::rule::{
    DESTINATION4, DESTINATION6, Field, IPV4, IPV6, R0, R1, R2, R4, R5, SOURCE4, destination, end, family, has,
    link_local_source, load, local_destination, loopback, loopback6, remember, rule, source,
};
use crate::{Means, Subnet};
use opened::opened;

/// IPv4 addresses of containers that had connections.
pub const ACTIVE4: &str = "active4";
/// IPv6 addresses of containers that had connections.
pub const ACTIVE6: &str = "active6";

const BRIDGES: &str = "bridges";
const ARRIVAL: &str = "arrival";
const INWARD: &str = "inward";
const HAIRPIN: &str = "hairpin";
const OUTBOUND: &str = "outbound";
const SECLUDE: &str = "seclude";
const PUBLISH: &str = "publish";

const PRIORITY_RAW: i32 = -300;
const PRIORITY_DESTINATION: i32 = -100;
const PRIORITY_FILTER: i32 = 0;
const PRIORITY_SOURCE: i32 = 100;

/// What the firewall must know of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its bridge.
    pub bridge: String,
    /// Its subnets, at most one of each family.
    pub subnets: Vec<Subnet>,
    /// What its containers may do.
    pub reach: Reach,
    /// Links over which containers are reached at their own addresses.
    pub trusted: Vec<String>,
}

/// What a network's containers may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Talk to each other.
    pub neighbours: bool,
    /// Reach anything but each other and the host; without, the network is internal.
    pub outside: bool,
    /// How IPv4 packets cross the bridge's gateway.
    pub four: Crossing,
    /// How IPv6 packets do.
    pub six: Crossing,
}

/// How packets of one family cross the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crossing {
    /// With which source address they leave.
    pub source: Source,
    /// What is open at the containers' own addresses.
    pub open: Open,
}

/// The source address of what leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Source {
    /// That of the link it leaves by.
    #[default]
    Masquerade,
    /// This one of the host's.
    Fixed(IpAddr),
    /// The container's.
    Own,
}

/// What is open at containers' own addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Open {
    /// Nothing: they are reached by published ports of the host alone.
    #[default]
    Nothing,
    /// What was published there (the sets `direct4` and `direct6`).
    Published,
    /// The same, and `ping` (Docker's `routed`).
    Routed,
    /// Everything (Docker's `nat-unprotected`).
    Everything,
}

impl Reach {
    fn crossing(&self, subnet: Subnet) -> Crossing {
        if subnet.address().is_ipv4() {
            self.four
        } else {
            self.six
        }
    }
}

/// The content of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Sets and maps.
    pub maps: Vec<Map>,
    /// Chains, with their rules.
    pub chains: Vec<Chain>,
    /// Elements of the maps that know the networks.
    pub elements: Vec<(&'static str, Vec<Entry>)>,
}

/// The table for these networks, no port published. Packets of a family that has no rules leave each chain at once.
#[must_use]
pub fn table(networks: &[Network], means: Means) -> Table {
    let mut chains = base_chains(means);
    chains.extend(networks.iter().flat_map(chains_of));
    let mut elements: Vec<(&'static str, Vec<Entry>)> = Vec::new();
    for (map, entry) in networks.iter().flat_map(elements_of) {
        match elements.iter_mut().find(|(known, _)| *known == map) {
            Some((_, entries)) => entries.push(entry),
            None => elements.push((map, vec![entry])),
        }
    }
    Table {
        maps: maps(),
        chains,
        elements,
    }
}

/// The chains that a network has of its own.
#[must_use]
pub fn chains_of(network: &Network) -> Vec<Chain> {
    let mut chains = vec![arrival(network), inward(network), hairpin(network), outbound(network)];
    if !network.reach.outside {
        chains.push(seclude(network));
    }
    chains
}

/// The elements that lead to a network's chains.
#[must_use]
pub fn elements_of(network: &Network) -> Vec<(&'static str, Entry)> {
    let key = || link_name(&network.bridge);
    let jump = |map: &'static str| {
        let verdict = Verdict::Jump(chain_name(map, network));
        (map, (key(), Value::Verdict(verdict)))
    };
    let mut elements = vec![(BRIDGES, (key(), Value::None))];
    elements.extend([ARRIVAL, INWARD, HAIRPIN, OUTBOUND].map(jump));
    if !network.reach.outside {
        elements.push(jump(SECLUDE));
    }
    elements
}

fn maps() -> Vec<Map> {
    let map = |name: &str, key: &[Part], value| Map {
        name: name.to_owned(),
        key: key.to_vec(),
        value,
    };
    let to4 = || ValueKind::Parts(vec![Part::Ipv4, Part::Port]);
    let to6 = || ValueKind::Parts(vec![Part::Ipv6, Part::Port]);
    vec![
        map(PUBLISHED4, &[Part::Ipv4, Part::Protocol, Part::Port], to4()),
        map(PUBLISHED_ANY4, &[Part::Protocol, Part::Port], to4()),
        map(PUBLISHED6, &[Part::Ipv6, Part::Protocol, Part::Port], to6()),
        map(PUBLISHED_ANY6, &[Part::Protocol, Part::Port], to6()),
        map(DIRECT4, &[Part::Ipv4, Part::Protocol, Part::Port], ValueKind::None),
        map(DIRECT6, &[Part::Ipv6, Part::Protocol, Part::Port], ValueKind::None),
        map(ACTIVE4, &[Part::Ipv4], ValueKind::Remembered),
        map(ACTIVE6, &[Part::Ipv6], ValueKind::Remembered),
        linked::openings(),
        map(BRIDGES, &[Part::Link], ValueKind::None),
        map(ARRIVAL, &[Part::Link], ValueKind::Verdict),
        map(INWARD, &[Part::Link], ValueKind::Verdict),
        map(HAIRPIN, &[Part::Link], ValueKind::Verdict),
        map(OUTBOUND, &[Part::Link], ValueKind::Verdict),
        map(SECLUDE, &[Part::Link], ValueKind::Verdict),
    ]
}

fn base_chains(means: Means) -> Vec<Chain> {
    let families = [(IPV4, means.rules4), (IPV6, means.rules6)];
    let without = families.into_iter().filter(|(_, has_rules)| !has_rules);
    let leave: Vec<_> = without
        .map(|(number, _)| rule([family(number), end(Verdict::Accept)]))
        .collect();
    let mut chains = all_base_chains();
    for chain in chains.iter_mut().filter(|chain| chain.hook.is_some()) {
        chain.rules.splice(0..0, leave.iter().cloned());
    }
    chains
}

fn all_base_chains() -> Vec<Chain> {
    let base = |name: &str, kind, point, priority, rules| Chain {
        name: name.to_owned(),
        hook: Some(Hook { kind, point, priority }),
        rules,
    };
    let publish = || end(Verdict::Jump(PUBLISH.to_owned()));
    let from_bridge = || {
        vec![
            Expression::Meta(Meta::InputName, R0),
            Expression::InSet(BRIDGES.to_owned(), R0),
        ]
    };
    vec![
        base(
            "protect",
            "filter",
            HookPoint::Prerouting,
            PRIORITY_RAW,
            vec![
                rule([loopback(DESTINATION4), from_bridge(), end(Verdict::Drop)]),
                rule([loopback(SOURCE4), from_bridge(), end(Verdict::Drop)]),
            ],
        ),
        Chain {
            name: PUBLISH.to_owned(),
            hook: None,
            rules: publish_rules(),
        },
        base(
            "dstnat",
            "nat",
            HookPoint::Prerouting,
            PRIORITY_DESTINATION,
            vec![
                vec![
                    Expression::Meta(Meta::InputName, R0),
                    Expression::MapVerdict(ARRIVAL.to_owned(), R0),
                ],
                rule([loopback(DESTINATION4), end(Verdict::Return)]),
                rule([local_destination(), publish()]),
            ],
        ),
        base(
            "output",
            "nat",
            HookPoint::Output,
            PRIORITY_DESTINATION,
            vec![
                rule([loopback6(), end(Verdict::Return)]),
                rule([local_destination(), publish()]),
            ],
        ),
        base(
            "srcnat",
            "nat",
            HookPoint::Postrouting,
            PRIORITY_SOURCE,
            vec![
                vec![
                    Expression::Meta(Meta::OutputName, R0),
                    Expression::MapVerdict(HAIRPIN.to_owned(), R0),
                ],
                vec![
                    Expression::Meta(Meta::InputName, R0),
                    Expression::MapVerdict(OUTBOUND.to_owned(), R0),
                ],
            ],
        ),
        base(
            "forward",
            "filter",
            HookPoint::Forward,
            PRIORITY_FILTER,
            vec![
                // What was let through once; nearly every packet, so it looks into no map.
                rule([
                    has(Connection::State, STATE_ESTABLISHED | STATE_RELATED),
                    end(Verdict::Accept),
                ]),
                vec![
                    Expression::Meta(Meta::InputName, R0),
                    Expression::MapVerdict(SECLUDE.to_owned(), R0),
                ],
                vec![
                    Expression::Meta(Meta::OutputName, R0),
                    Expression::MapVerdict(INWARD.to_owned(), R0),
                ],
            ],
        ),
    ]
}

fn publish_rules() -> Vec<Vec<Expression>> {
    let ports = |protocol, port| {
        vec![
            Expression::Meta(Meta::Protocol, protocol),
            Expression::Payload {
                header: Header::Transport,
                offset: 2,
                length: 2,
                to: port,
            },
        ]
    };
    let rewrite = |map: &str, family, port| {
        vec![
            Expression::MapTo {
                map: map.to_owned(),
                key: R0,
                value: R0,
            },
            Expression::RewriteDestination {
                family,
                address: R0,
                port,
            },
        ]
    };
    let address4 = vec![load(DESTINATION4, 4)];
    let address6 = vec![load(DESTINATION6, 16)];
    vec![
        rule([link_local_source(), end(Verdict::Return)]),
        rule([family(IPV4), address4, ports(R1, R2), rewrite(PUBLISHED4, IPV4, R1)]),
        rule([family(IPV4), ports(R0, R1), rewrite(PUBLISHED_ANY4, IPV4, R1)]),
        rule([family(IPV6), address6, ports(R4, R5), rewrite(PUBLISHED6, IPV6, R4)]),
        rule([family(IPV6), ports(R0, R1), rewrite(PUBLISHED_ANY6, IPV6, R4)]),
    ]
}

fn arrival(network: &Network) -> Chain {
    let rules = network
        .subnets
        .iter()
        .map(|&subnet| rule([source(subnet), remember(subnet, Field::Source)]))
        .collect();
    Chain {
        name: chain_name(ARRIVAL, network),
        hook: None,
        rules,
    }
}

fn inward(network: &Network) -> Chain {
    let mut rules = Vec::new();
    if network.reach.neighbours {
        let from = Expression::Meta(Meta::InputName, R0);
        let same = Expression::Equal(R0, link_name(&network.bridge));
        rules.push(rule([vec![from, same], end(Verdict::Accept)]));
    } else {
        let from = Expression::Meta(Meta::InputName, R0);
        let same = Expression::Equal(R0, link_name(&network.bridge));
        rules.push(rule([
            vec![from, same],
            family(IPV4),
            linked::begins(),
            end(Verdict::Accept),
        ]));
    }
    rules.push(rule([
        has(Connection::Status, STATUS_DESTINATION_REWRITTEN),
        end(Verdict::Accept),
    ]));
    for link in &network.trusted {
        let from = Expression::Meta(Meta::InputName, R0);
        rules.push(rule([
            vec![from, Expression::Equal(R0, link_name(link))],
            end(Verdict::Accept),
        ]));
    }
    for &subnet in &network.subnets {
        rules.extend(opened(subnet, network.reach.crossing(subnet).open));
    }
    rules.push(end(Verdict::Drop));
    Chain {
        name: chain_name(INWARD, network),
        hook: None,
        rules,
    }
}

fn hairpin(network: &Network) -> Chain {
    let rewritten = || has(Connection::Status, STATUS_DESTINATION_REWRITTEN);
    let seen = |&subnet: &Subnet| rule([destination(subnet), remember(subnet, Field::Destination)]);
    let mut rules: Vec<_> = network.subnets.iter().map(seen).collect();
    for &subnet in &network.subnets {
        rules.push(rule([source(subnet), rewritten(), vec![Expression::Masquerade]]));
        rules.push(rule([source(subnet), end(Verdict::Accept)]));
    }
    rules.push(rule([loopback(SOURCE4), vec![Expression::Masquerade]]));
    Chain {
        name: chain_name(HAIRPIN, network),
        hook: None,
        rules,
    }
}

fn outbound(network: &Network) -> Chain {
    let leaving = |&subnet: &Subnet| {
        let rewrite = match network.reach.crossing(subnet).source {
            Source::Own => return None,
            Source::Masquerade => vec![Expression::Masquerade],
            Source::Fixed(IpAddr::V4(four)) => leave_as(IPV4, four.octets().to_vec()),
            Source::Fixed(IpAddr::V6(six)) => leave_as(IPV6, six.octets().to_vec()),
        };
        Some(rule([source(subnet), rewrite]))
    };
    let rules = if network.reach.outside {
        network.subnets.iter().filter_map(leaving).collect()
    } else {
        Vec::new()
    };
    Chain {
        name: chain_name(OUTBOUND, network),
        hook: None,
        rules,
    }
}

fn leave_as(family: u8, address: Vec<u8>) -> Vec<Expression> {
    vec![
        Expression::Value(R0, address),
        Expression::RewriteSource { family, address: R0 },
    ]
}

fn seclude(network: &Network) -> Chain {
    let to = Expression::Meta(Meta::OutputName, R0);
    let same = Expression::Equal(R0, link_name(&network.bridge));
    Chain {
        name: chain_name(SECLUDE, network),
        hook: None,
        rules: vec![rule([vec![to, same], end(Verdict::Return)]), end(Verdict::Drop)],
    }
}

fn chain_name(prefix: &str, network: &Network) -> String {
    format!("{prefix}_{}", network.bridge)
}

/// A link's name as the kernel compares it: padded with zeros to 16 bytes.
pub(super) fn link_name(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes
}

#[cfg(test)]
mod tests;
