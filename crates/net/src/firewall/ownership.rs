//! Who may answer for which address on our bridges: nftables table of family `bridge`, of the daemon's table's
//! name.
//!
//! ```text
//! set owned4/6    addr           addresses of containers and gateways
//! set owner4/6    link . addr    the port that each container's address belongs to; a gateway's has none
//! chain claims    prerouting     ARP of an owned sender, advertisement of an owned target, solicitation of an owned
//!                                source, by a port that is not its owner: drop
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
        owners: Vec<(IpAddr, String)>,
    ) -> Result<(), netlink::Error> {
        if !self.wanted {
            return self.delete(kernel);
        }
        let mut state = self.lock();
        state.gateways = gateways.into_iter().collect();
        state.owners = owners.into_iter().collect();
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
    pub(crate) fn add(&self, kernel: &mut Netfilter, link: &str, addresses: &[IpAddr]) -> Result<(), netlink::Error> {
        let mut state = self.lock();
        state
            .owners
            .extend(addresses.iter().map(|&address| (address, link.to_owned())));
        self.change(kernel, &mut state, |batch| {
            for &address in addresses {
                batch.add_elements(owned(address), &[(address_key(address), Value::None)]);
                batch.add_elements(owner(address), &[(owner_key(address, link), Value::None)]);
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
        let chain = claims();
        batch.add_chain(&chain).add_rules(&chain);
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
