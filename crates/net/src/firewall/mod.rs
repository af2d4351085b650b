//! The daemon's nftables table, family `inet`, named by configuration.
//!
//! ```text
//! map published4      addr . proto . port : addr . port      host ports of one address
//! map published_any4  proto . port : addr . port             host ports of all addresses
//! map published6, published_any6                             the same for IPv6
//! set bridges         link                                   our bridges
//! set active4/6       addr                                   containers that had connections, by the packets themselves
//! map inward          link : jump inward_<bridge>            by the link a forwarded packet leaves by
//! map hairpin         link : jump hairpin_<bridge>           by the link a packet leaves by
//! map arrival         link : jump arrival_<bridge>           by the link a packet came in by
//! map outbound        link : jump outbound_<bridge>          by the link a forwarded packet came in by
//! map seclude         link : jump seclude_<bridge>           the same, of internal networks alone
//! ```
//! The base chains consult the maps, so a packet's way does not grow with networks or ports, and
//! publishing a port is one map element. [`plan`] decides what the table contains (pure), [`Firewall`]
//! carries it out: as a whole, in one transaction, or by elements.
//!
//! Invariant: the kernel's table is always what [`plan::table`] says for the networks, plus the elements
//! of the ports published; a table that somebody deleted is written again at the next change.

pub mod foreign;
pub(crate) mod linked;
pub(crate) mod ownership;
pub mod plan;
pub mod publication;
mod rule;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_sys::netlink;
use corten_sys::nftables::{Batch, Netfilter, Value};

pub use plan::Network;
pub use publication::Publication;

use crate::Means;
use linked::{LINKED4, Opening};
use publication::MAPS;

/// errno(3): no such table, map or element.
const ENOENT: i32 = 2;

/// The daemon's table and the socket that changes it.
#[derive(Debug)]
pub struct Firewall {
    table: String,
    means: Means,
    was_there: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    kernel: Netfilter,
    networks: Vec<Network>,
    published: BTreeSet<Publication>,
    links: BTreeSet<Opening>,
    activity: Activity,
}

/// Whether the table remembers which containers had connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    /// It does.
    Remembered,
    /// It was written anew while containers ran: any of them may have had some.
    Lost,
}

/// The firewall cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// No netfilter socket.
    #[error("nftables cannot be reached: {0}")]
    Open(#[source] io::Error),
    /// The table as a whole was refused.
    #[error("nftables table {table}: {source}")]
    Apply {
        /// The table.
        table: String,
        /// The kernel's reason.
        source: netlink::Error,
    },
    /// A port was refused: in all likelihood it leads elsewhere already.
    #[error("publishing {publication}: {source}")]
    Publish {
        /// The port.
        publication: Publication,
        /// The kernel's reason.
        source: netlink::Error,
    },
    /// A port is still published.
    #[error("unpublishing {publication}: {source}")]
    Unpublish {
        /// The port.
        publication: Publication,
        /// The kernel's reason.
        source: netlink::Error,
    },
    /// What is there cannot be read.
    #[error("reading nftables table {table}: {source}")]
    Read {
        /// The table.
        table: String,
        /// The kernel's reason.
        source: netlink::Error,
    },
}

impl Firewall {
    /// Opens the table of a name, in the calling thread's network namespace, and takes over the ports
    /// that an earlier daemon published. Changes nothing.
    ///
    /// # Errors
    /// The kernel has no nftables.
    pub fn open(table: &str, means: Means) -> Result<Self, FirewallError> {
        let mut kernel = Netfilter::open().map_err(FirewallError::Open)?;
        let published = read(&mut kernel, table)?.into_iter().collect();
        let failed = |source| FirewallError::Read {
            table: table.to_owned(),
            source,
        };
        let links = kernel.elements(table, LINKED4).map_err(failed)?;
        let links = links.iter().filter_map(Opening::decode).collect();
        let was_there = kernel.has_table(table).map_err(failed)?;
        let activity = Activity::Remembered;
        let state = State {
            kernel,
            networks: Vec::new(),
            published,
            links,
            activity,
        };
        Ok(Self {
            table: table.to_owned(),
            means,
            was_there,
            state: Mutex::new(state),
        })
    }

    /// Containers run that an earlier daemon started: if its table is gone, what it remembered is too.
    pub fn adopt_containers(&self) {
        if !self.was_there {
            self.lock().activity = Activity::Lost;
        }
    }

    /// Makes the table right for these networks, in one transaction; published ports stay.
    ///
    /// # Errors
    /// The kernel refuses; the table is as before.
    pub fn set_networks(&self, networks: Vec<Network>) -> Result<(), FirewallError> {
        let mut state = self.lock();
        state.networks = networks;
        if !self.means.any_rules() {
            return self.delete(&mut state);
        }
        self.write(&mut state)
    }

    /// Adds a network to the table, or replaces the one of the same bridge.
    ///
    /// # Errors
    /// The kernel refuses; the table is as before.
    pub fn add_network(&self, network: Network) -> Result<(), FirewallError> {
        let mut state = self.lock();
        if !self.means.any_rules() {
            return Ok(());
        }
        let is_known = state.networks.iter().any(|known| known.bridge == network.bridge);
        state.networks.retain(|known| known.bridge != network.bridge);
        state.networks.push(network.clone());
        if is_known {
            return self.write(&mut state);
        }
        let chains = plan::chains_of(&network);
        let mut batch = Batch::new(&self.table);
        for chain in &chains {
            batch.add_chain(chain).add_rules(chain);
        }
        for (map, element) in plan::elements_of(&network) {
            batch.add_elements(map, &[element]);
        }
        let result = match state.kernel.commit(batch) {
            Err(error) if error.is(ENOENT) => {
                state.activity = Activity::Lost;
                self.write(&mut state)
            }
            result => result.map_err(|source| self.refused(source)),
        };
        if result.is_err() {
            state.networks.retain(|known| known.bridge != network.bridge);
        }
        result
    }

    /// Takes the network of a bridge out of the table; that there is none is fine.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove_network(&self, bridge: &str) -> Result<(), FirewallError> {
        let mut state = self.lock();
        if !self.means.any_rules() {
            return Ok(());
        }
        let Some(at) = state.networks.iter().position(|known| known.bridge == bridge) else {
            return Ok(());
        };
        let network = state.networks.remove(at);
        let mut batch = Batch::new(&self.table);
        for (map, (key, _)) in plan::elements_of(&network) {
            batch.delete_elements(map, &[(key, Value::None)]);
        }
        let chains = plan::chains_of(&network);
        chains.iter().for_each(|chain| {
            batch.clear_chain(&chain.name);
        });
        chains.iter().for_each(|chain| {
            batch.delete_chain(&chain.name);
        });
        match state.kernel.commit(batch) {
            // somebody deleted a part of it, or all
            Err(error) if error.is(ENOENT) => {
                state.activity = Activity::Lost;
                self.write(&mut state)
            }
            result => result.map_err(|source| self.refused(source)),
        }
    }

    /// Publishes ports, all of them or none. Those that are published just so are left. Writes the table again
    /// if somebody deleted it, with no ports to publish too: masquerading must work for all.
    ///
    /// # Errors
    /// One leads elsewhere already, or the kernel refuses.
    pub fn publish(&self, ports: &[Publication]) -> Result<(), FirewallError> {
        let mut state = self.lock();
        if !self.means.any_rules() {
            return Ok(());
        }
        let Some(&first) = ports.first() else {
            return self.repair(&mut state).map(drop);
        };
        let failed = |source| FirewallError::Publish {
            publication: first,
            source,
        };
        match state.kernel.commit(self.addition(ports)) {
            Err(error) if error.is(ENOENT) => {
                self.repair(&mut state)?;
                state.kernel.commit(self.addition(ports)).map_err(failed)?;
            }
            result => result.map_err(failed)?,
        }
        state.published.extend(ports);
        Ok(())
    }

    /// Unpublishes ports; those that are not published are fine.
    ///
    /// # Errors
    /// The kernel refuses; the other ports are unpublished all the same.
    pub fn unpublish(&self, ports: &[Publication]) -> Result<(), FirewallError> {
        if ports.is_empty() || !self.means.any_rules() {
            return Ok(());
        }
        let mut state = self.lock();
        for port in ports {
            state.published.remove(port);
        }
        match state.kernel.commit(self.removal(ports)) {
            Err(error) if error.is(ENOENT) => self.unpublish_singly(&mut state, ports),
            result => result.map_err(|source| FirewallError::Unpublish {
                publication: ports[0],
                source,
            }),
        }
    }

    /// Whether an address had connections since it was last asked for, as far as is known; forgets it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn take_activity(&self, address: IpAddr) -> Result<bool, FirewallError> {
        // Without rules nothing remembers.
        if !self.means.rules_for(address) {
            return Ok(true);
        }
        let mut state = self.lock();
        let (set, key) = match address {
            IpAddr::V4(four) => (plan::ACTIVE4, four.octets().to_vec()),
            IpAddr::V6(six) => (plan::ACTIVE6, six.octets().to_vec()),
        };
        let failed = |source| self.refused(source);
        if !state.kernel.has_element(&self.table, set, &key).map_err(failed)? {
            return Ok(state.activity == Activity::Lost);
        }
        let mut batch = Batch::new(&self.table);
        batch.delete_elements(set, &[(key, Value::None)]);
        state.kernel.commit(batch).map_err(failed)?;
        Ok(true)
    }

    /// The ports that are published according to the kernel.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn published(&self) -> Result<Vec<Publication>, FirewallError> {
        read(&mut self.lock().kernel, &self.table)
    }

    /// Removes the table with everything in it.
    ///
    /// # Errors
    /// The kernel refuses; that there is none is fine.
    pub fn remove(&self) -> Result<(), FirewallError> {
        self.delete(&mut self.lock())
    }

    fn delete(&self, state: &mut State) -> Result<(), FirewallError> {
        state.published.clear();
        state.links.clear();
        let mut batch = Batch::new(&self.table);
        batch.add_table().delete_table();
        state.kernel.commit(batch).map_err(|source| self.refused(source))
    }

    /// Writes the table if somebody removed it; says whether.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn mend(&self) -> Result<bool, FirewallError> {
        let mut state = self.lock();
        if !self.means.any_rules() {
            return Ok(false);
        }
        self.repair(&mut state)
    }

    /// Writes the table if it is gone; says whether.
    fn repair(&self, state: &mut State) -> Result<bool, FirewallError> {
        if state
            .kernel
            .has_table(&self.table)
            .map_err(|source| self.refused(source))?
        {
            return Ok(false);
        }
        self.write(state)?;
        state.activity = Activity::Lost;
        Ok(true)
    }

    /// Lends the socket: closing another one would wait for what was deleted over it.
    pub(crate) fn with_kernel<T>(&self, act: impl FnOnce(&mut Netfilter) -> T) -> T {
        act(&mut self.lock().kernel)
    }

    fn write(&self, state: &mut State) -> Result<(), FirewallError> {
        let content = plan::table(&state.networks, self.means);
        let mut active = Vec::new();
        for set in [plan::ACTIVE4, plan::ACTIVE6] {
            let found = state
                .kernel
                .elements(&self.table, set)
                .map_err(|source| self.refused(source))?;
            active.push((
                set,
                found
                    .into_iter()
                    .map(|element| (element.key, Value::None))
                    .collect::<Vec<_>>(),
            ));
        }
        let mut batch = Batch::new(&self.table);
        batch.add_table().delete_table().add_table();
        content.maps.iter().for_each(|map| {
            batch.add_map(map);
        });
        content.chains.iter().for_each(|chain| {
            batch.add_chain(chain);
        });
        content.elements.iter().for_each(|(map, elements)| {
            batch.add_elements(map, elements);
        });
        content.chains.iter().for_each(|chain| {
            batch.add_rules(chain);
        });
        let published: Vec<_> = state.published.iter().copied().collect();
        for map in MAPS {
            batch.add_elements(map, &publication::elements(map, &published));
        }
        for (set, elements) in &active {
            batch.add_elements(set, elements);
        }
        let links: Vec<_> = state.links.iter().map(Opening::entry).collect();
        batch.add_elements(LINKED4, &links);
        state.kernel.commit(batch).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: netlink::Error) -> FirewallError {
        FirewallError::Apply {
            table: self.table.clone(),
            source,
        }
    }

    fn addition(&self, ports: &[Publication]) -> Batch {
        let mut batch = Batch::new(&self.table);
        for map in MAPS {
            batch.add_elements(map, &publication::elements(map, ports));
        }
        batch
    }

    fn removal(&self, ports: &[Publication]) -> Batch {
        let mut batch = Batch::new(&self.table);
        for map in MAPS {
            let keys: Vec<_> = publication::elements(map, ports)
                .into_iter()
                .map(|(key, _)| (key, Value::None))
                .collect();
            batch.delete_elements(map, &keys);
        }
        batch
    }

    fn unpublish_singly(&self, state: &mut State, ports: &[Publication]) -> Result<(), FirewallError> {
        for &publication in ports {
            match state.kernel.commit(self.removal(&[publication])) {
                Err(error) if error.is(ENOENT) => {}
                result => result.map_err(|source| FirewallError::Unpublish { publication, source })?,
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(kernel: &mut Netfilter, table: &str) -> Result<Vec<Publication>, FirewallError> {
    let mut published = Vec::new();
    for map in MAPS {
        let elements = kernel.elements(table, map).map_err(|source| FirewallError::Read {
            table: table.to_owned(),
            source,
        })?;
        published.extend(elements.iter().filter_map(|element| Publication::decode(map, element)));
    }
    Ok(published)
}
