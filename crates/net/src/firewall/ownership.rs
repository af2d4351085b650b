//! Who may answer for which address on our bridges: nftables table of family `bridge`, of the daemon's table's
//! name.
//!
//! ```text
//! set owned4/6    addr           addresses of containers and gateways
//! set owner4/6    link . addr    the port that each container's address belongs to; a gateway's has none
//! chain claims    prerouting     ARP of an owned sender, advertisement of an owned target, solicitation of an owned
//!                                source, by a port that is not its owner: drop
//! closed, linked4, links         what links allow on bridges whose containers may not talk to each other: linked.rs
//! ```
//! Addresses that nobody was given may be claimed: containers share addresses among themselves by such means.
//! Only ARP and neighbour discovery are looked at, all other frames pass after one comparison. A kernel
//! without such tables is told of once, and does without.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_sys::netlink;
use corten_sys::nftables::batch::{Part, ValueKind};
use corten_sys::nftables::expression::{Header, Meta};
use corten_sys::nftables::{Batch, Chain, Entry, Expression, Hook, HookPoint, Map, Netfilter, Value, Verdict};

use super::linked::{self, CHAIN, CLOSED, LINKED4, Opening};
use super::plan::link_name;
use super::rule::{R0, R4, end, rule};

const OWNED4: &str = "owned4";
const OWNED6: &str = "owned6";
const OWNER4: &str = "owner4";
const OWNER6: &str = "owner6";

const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Before everything else.
const PRIORITY: i32 = -300;
const ARP_SENDER: u32 = 14;
const SOURCE6: u32 = 8;
const ADVERTISED: u32 = 8;

/// errno(3): no such table or set.
const ENOENT: i32 = 2;

/// A container's place.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    /// The port of the bridge.
    pub(crate) link: String,
    /// The addresses that belong to it.
    pub(crate) addresses: Vec<IpAddr>,
    /// Its neighbours may not talk to it.
    pub(crate) closed: bool,
}

/// The table, as it should be.
#[derive(Debug)]
pub(crate) struct Ownership {
    table: String,
    /// Whether there shall be such a table.
    wanted: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    gateways: BTreeSet<IpAddr>,
    /// Address and the port it belongs to.
    owners: BTreeSet<(IpAddr, String)>,
    /// Ports of bridges whose containers may not talk to each other.
    closed: BTreeSet<String>,
    /// What links open between these.
    links: BTreeSet<Opening>,
    /// The kernel has no such tables.
    unsupported: bool,
}

impl Ownership {
    /// The table of this name, or none where the daemon makes no rules at all.
    pub(crate) fn new(table: &str, wanted: bool) -> Self {
        Self {
            table: table.to_owned(),
            wanted,
            state: Mutex::default(),
        }
    }

    /// Takes these for all there are, and writes the table.
    pub(crate) fn replace(
        &self,
        kernel: &mut Netfilter,
        gateways: Vec<IpAddr>,
        owners: &[Owner],
        links: BTreeSet<Opening>,
    ) -> Result<(), netlink::Error> {
        if !self.wanted {
            return self.delete(kernel);
        }
        let mut state = self.lock();
        state.gateways = gateways.into_iter().collect();
        state.owners = owners.iter().flat_map(Owner::pairs).collect();
        let closed = owners.iter().filter(|owner| owner.closed);
        state.closed = closed.map(|owner| owner.link.clone()).collect();
        state.links = links;
        self.write(kernel, &mut state)
    }

    /// Writes the table if somebody removed it; says whether.
    pub(crate) fn mend(&self, kernel: &mut Netfilter) -> Result<bool, netlink::Error> {
        let mut state = self.lock();
        if !self.wanted || state.unsupported || kernel.has_bridge_table(&self.table)? {
            return Ok(false);
        }
        self.write(kernel, &mut state)?;
        Ok(!state.unsupported)
    }

    /// A network has come: nobody answers for its gateways.
    pub(crate) fn add_gateways(&self, kernel: &mut Netfilter, gateways: &[IpAddr]) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        state.gateways.extend(gateways);
        self.change(kernel, &mut state, |batch| {
            for &gateway in gateways {
                batch.add_elements(owned(gateway), &[(address_key(gateway), Value::None)]);
            }
        })
    }

    /// A network has gone.
    pub(crate) fn remove_gateways(&self, kernel: &mut Netfilter, gateways: &[IpAddr]) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        let known: Vec<_> = gateways
            .iter()
            .filter(|gateway| state.gateways.remove(gateway))
            .collect();
        self.change(kernel, &mut state, |batch| {
            for &&gateway in &known {
                batch.delete_elements(owned(gateway), &[(address_key(gateway), Value::None)]);
            }
        })
    }

    /// A container has come.
    pub(crate) fn add(&self, kernel: &mut Netfilter, new: &Owner) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        state.owners.extend(new.pairs());
        if new.closed {
            state.closed.insert(new.link.clone());
        }
        self.change(kernel, &mut state, |batch| {
            for &address in &new.addresses {
                batch.add_elements(owned(address), &[(address_key(address), Value::None)]);
                batch.add_elements(owner(address), &[(owner_key(address, &new.link), Value::None)]);
            }
            if new.closed {
                batch.add_elements(CLOSED, &[(link_name(&new.link), Value::None)]);
            }
        })
    }

    /// Opens ports of linked containers that both have their places; says which ports of the bridge must be isolated no
    /// more: none where one of the containers has no place, or the kernel has no such tables.
    pub(crate) fn open(
        &self,
        kernel: &mut Netfilter,
        ends: [&Owner; 2],
        openings: &[Opening],
    ) -> Result<Vec<String>, netlink::Error> {
        let mut state = self.lock();
        let is_placed = |end: &Owner| {
            state.closed.contains(&end.link) && end.pairs().iter().all(|pair| state.owners.contains(pair))
        };
        if !ends.into_iter().all(is_placed) {
            return Ok(Vec::new());
        }
        let is_first = state.links.is_empty();
        state.links.extend(openings);
        if is_first {
            self.write(kernel, &mut state)?;
        } else {
            self.change(kernel, &mut state, |batch| {
                batch.add_elements(LINKED4, &openings.iter().map(Opening::entry).collect::<Vec<_>>());
            })?;
        }
        if state.unsupported || !self.wanted {
            tracing::warn!(
                table = self.table,
                "without nftables for bridges a link opens no closed network"
            );
            return Ok(Vec::new());
        }
        Ok(ends.map(|end| end.link.clone()).to_vec())
    }

    /// What links open.
    pub(crate) fn openings(&self) -> BTreeSet<Opening> {
        self.lock().links.clone()
    }

    /// The ports of the bridge that no link needs any more when these are gone.
    pub(crate) fn ports_without(&self, gone: &[Opening]) -> BTreeSet<String> {
        let state = self.lock();
        let left: Vec<_> = state
            .links
            .iter()
            .filter(|link| !gone.contains(link))
            .copied()
            .collect();
        let needed: BTreeSet<_> = state.closed_ports_of(&left).into_iter().map(|(_, port)| port).collect();
        let concerned = state.closed_ports_of(gone).into_iter().map(|(_, port)| port);
        concerned.filter(|port| !needed.contains(port)).collect()
    }

    /// Takes these openings away; that they are not there is fine.
    pub(crate) fn close(&self, kernel: &mut Netfilter, gone: &[Opening]) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        let known: Vec<_> = gone.iter().filter(|opening| state.links.remove(opening)).collect();
        if known.is_empty() {
            return Ok(());
        }
        let is_last = state.links.is_empty();
        self.change(kernel, &mut state, |batch| {
            batch.delete_elements(
                LINKED4,
                &known.iter().map(|opening| opening.entry()).collect::<Vec<_>>(),
            );
            if is_last {
                batch.clear_chain(CHAIN).delete_chain(CHAIN);
            }
        })
    }

    /// A container has gone; that it was not known is fine.
    pub(crate) fn remove(
        &self,
        kernel: &mut Netfilter,
        link: &str,
        addresses: &[IpAddr],
    ) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        let own = |address: IpAddr| (address, link.to_owned());
        let known: Vec<IpAddr> = addresses
            .iter()
            .copied()
            .filter(|&address| state.owners.remove(&own(address)))
            .collect();
        let was_closed = state.closed.remove(link);
        // two claims of one address: the other one's stands
        let still: Vec<IpAddr> = known
            .iter()
            .copied()
            .filter(|&address| state.owners.range(own_range(address)).next().is_some())
            .collect();
        self.change(kernel, &mut state, |batch| {
            for &address in &known {
                batch.delete_elements(owner(address), &[(owner_key(address, link), Value::None)]);
                if !still.contains(&address) {
                    batch.delete_elements(owned(address), &[(address_key(address), Value::None)]);
                }
            }
            if was_closed {
                batch.delete_elements(CLOSED, &[(link_name(link), Value::None)]);
            }
        })
    }

    /// Removes the table; that there is none is fine.
    pub(crate) fn delete(&self, kernel: &mut Netfilter) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        *state = State::default();
        let mut batch = Batch::of_bridges(&self.table);
        batch.add_table().delete_table();
        self.outcome(&mut state, kernel.commit(batch))
    }

    fn change(
        &self,
        kernel: &mut Netfilter,
        state: &mut State,
        fill: impl FnOnce(&mut Batch),
    ) -> Result<(), netlink::Error> {
        if state.unsupported || !self.wanted {
            return Ok(());
        }
        let mut batch = Batch::of_bridges(&self.table);
        fill(&mut batch);
        match kernel.commit(batch) {
            // somebody deleted it, or it was never written
            Err(error) if error.is(ENOENT) => self.write(kernel, state),
            result => result,
        }
    }

    fn write(&self, kernel: &mut Netfilter, state: &mut State) -> Result<(), netlink::Error> {
        if state.unsupported {
            return Ok(());
        }
        let mut batch = Batch::of_bridges(&self.table);
        batch.add_table().delete_table().add_table();
        maps().iter().for_each(|map| {
            batch.add_map(map);
        });
        let mut elements: Vec<(&'static str, Entry)> = Vec::new();
        let owned_by_containers = state.owners.iter().map(|(address, _)| *address);
        let all: BTreeSet<IpAddr> = state.gateways.iter().copied().chain(owned_by_containers).collect();
        elements.extend(
            all.iter()
                .map(|&address| (owned(address), (address_key(address), Value::None))),
        );
        elements.extend(
            state
                .owners
                .iter()
                .map(|(address, link)| (owner(*address), (owner_key(*address, link), Value::None))),
        );
        for map in [OWNED4, OWNED6, OWNER4, OWNER6] {
            let own = elements.iter().filter(|(name, _)| *name == map);
            batch.add_elements(map, &own.map(|(_, entry)| entry.clone()).collect::<Vec<_>>());
        }
        let closed = state.closed.iter().map(|link| (link_name(link), Value::None));
        batch.add_elements(CLOSED, &closed.collect::<Vec<_>>());
        batch.add_elements(LINKED4, &state.links.iter().map(Opening::entry).collect::<Vec<_>>());
        let chain = claims();
        batch.add_chain(&chain).add_rules(&chain);
        if !state.links.is_empty() {
            let chain = linked::chain();
            batch.add_chain(&chain).add_rules(&chain);
        }
        let result = kernel.commit(batch);
        self.outcome(state, result)
    }

    /// A kernel that knows no such tables is not asked again.
    fn outcome(&self, state: &mut State, result: Result<(), netlink::Error>) -> Result<(), netlink::Error> {
        const EOPNOTSUPP: i32 = 95;
        const EAFNOSUPPORT: i32 = 97;
        match result {
            Err(error) if [ENOENT, EOPNOTSUPP, EAFNOSUPPORT].iter().any(|&errno| error.is(errno)) => {
                tracing::warn!(
                    table = self.table,
                    %error,
                    "this kernel has no nftables for bridges: containers could answer for each other's addresses"
                );
                state.unsupported = true;
                Ok(())
            }
            result => result,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner {
    fn pairs(&self) -> Vec<(IpAddr, String)> {
        let addresses = self.addresses.iter();
        addresses.map(|&address| (address, self.link.clone())).collect()
    }
}

impl State {
    /// The closed ports that the addresses of these belong to.
    fn closed_ports_of(&self, openings: &[Opening]) -> BTreeSet<(IpAddr, String)> {
        let concerned: BTreeSet<IpAddr> = openings
            .iter()
            .flat_map(|opening| [opening.parent, opening.child])
            .map(IpAddr::V4)
            .collect();
        let owners = concerned
            .iter()
            .flat_map(|&address| self.owners.range(own_range(address)));
        owners.filter(|(_, port)| self.closed.contains(port)).cloned().collect()
    }
}

/// All owners of one address.
fn own_range(address: IpAddr) -> std::ops::RangeInclusive<(IpAddr, String)> {
    (address, String::new())..=(address, "\u{10ffff}".to_owned())
}

fn maps() -> Vec<Map> {
    let map = |name: &str, key: &[Part]| Map {
        name: name.to_owned(),
        key: key.to_vec(),
        value: ValueKind::None,
    };
    vec![
        map(OWNED4, &[Part::Ipv4]),
        map(OWNED6, &[Part::Ipv6]),
        map(OWNER4, &[Part::Link, Part::Ipv4]),
        map(OWNER6, &[Part::Link, Part::Ipv6]),
        linked::closed(),
        linked::openings(),
    ]
}

fn claims() -> Chain {
    let is = |property, value: &[u8]| vec![Expression::Meta(property, R0), Expression::Equal(R0, value.to_vec())];
    let kind = |number| {
        rule([
            is(Meta::EtherType, &IPV6),
            is(Meta::Protocol, &[ICMPV6]),
            vec![load(Header::Transport, 0, 1), Expression::Equal(R0, vec![number])],
        ])
    };
    let rules = vec![
        // Nearly every frame, and none of the kinds below.
        rule([is(Meta::EtherType, &IPV4), end(Verdict::Accept)]),
        rule([
            is(Meta::EtherType, &ARP),
            foreign((Header::Network, ARP_SENDER, 4), OWNED4, OWNER4),
        ]),
        rule([
            kind(ADVERTISEMENT),
            foreign((Header::Transport, ADVERTISED, 16), OWNED6, OWNER6),
        ]),
        rule([
            kind(SOLICITATION),
            foreign((Header::Network, SOURCE6, 16), OWNED6, OWNER6),
        ]),
    ];
    Chain {
        name: "claims".to_owned(),
        hook: Some(Hook {
            kind: "filter",
            point: HookPoint::Prerouting,
            priority: PRIORITY,
        }),
        rules,
    }
}

fn load(header: Header, offset: u32, length: u32) -> Expression {
    Expression::Payload {
        header,
        offset,
        length,
        to: R0,
    }
}

/// An owned address there, by a port that does not own it: drop.
fn foreign((header, offset, length): (Header, u32, u32), owned: &str, owner: &str) -> Vec<Expression> {
    rule([
        vec![load(header, offset, length), Expression::InSet(owned.to_owned(), R0)],
        vec![
            Expression::Meta(Meta::InputName, R0),
            Expression::Payload {
                header,
                offset,
                length,
                to: R4,
            },
            Expression::NotInSet(owner.to_owned(), R0),
        ],
        end(Verdict::Drop),
    ])
}

fn owned(address: IpAddr) -> &'static str {
    if address.is_ipv4() { OWNED4 } else { OWNED6 }
}

fn owner(address: IpAddr) -> &'static str {
    if address.is_ipv4() { OWNER4 } else { OWNER6 }
}

fn address_key(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

fn owner_key(address: IpAddr, link: &str) -> Vec<u8> {
    let mut key = link_name(link);
    key.extend(address_key(address));
    key
}
