//! The daemon's nftables table, family `inet`, named by configuration.
//!
//! ```text
//! map published4      addr . proto . port : addr . port      host ports of one address
//! map published_any4  proto . port : addr . port             host ports of all addresses
//! map published6, published_any6                             the same for IPv6
//! set bridges         link                                   our bridges
//! map inward          link : jump inward_<bridge>            by the link a forwarded packet leaves by
//! map hairpin         link : jump hairpin_<bridge>           by the link a packet leaves by
//! map outbound        link : jump outbound_<bridge>          by the link a forwarded packet came in by
//! ```
//! The base chains consult the maps, so a packet's way does not grow with networks or ports, and
//! publishing a port is one map element. [`plan`] decides what the table contains (pure), [`Firewall`]
//! carries it out: as a whole, in one transaction, or by elements.
//!
//! Invariant: the kernel's table is always what [`plan::table`] says for the networks, plus the elements
//! of the ports published; a table that somebody deleted is written again at the next change.

pub mod foreign;
pub mod plan;
pub mod publication;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_sys::netlink;
use corten_sys::nftables::{Batch, Netfilter, Value};

pub use plan::Network;
pub use publication::Publication;

use publication::MAPS;

/// errno(3): no such table, map or element.
const ENOENT: i32 = 2;

/// The daemon's table and the socket that changes it.
#[derive(Debug)]
pub struct Firewall {
    table: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    kernel: Netfilter,
    networks: Vec<Network>,
    published: Vec<Publication>,
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
    pub fn open(table: &str) -> Result<Self, FirewallError> {
        let mut kernel = Netfilter::open().map_err(FirewallError::Open)?;
        let published = read(&mut kernel, table)?;
        Ok(Self {
            table: table.to_owned(),
            state: Mutex::new(State {
                kernel,
                networks: Vec::new(),
                published,
            }),
        })
    }

    /// Makes the table right for these networks, in one transaction; published ports stay.
    ///
    /// # Errors
    /// The kernel refuses; the table is as before.
    pub fn set_networks(&self, networks: Vec<Network>) -> Result<(), FirewallError> {
        let mut state = self.lock();
        state.networks = networks;
        self.write(&mut state)
    }

    /// Publishes ports, all of them or none. Those that are published just so are left.
    ///
    /// # Errors
    /// One leads elsewhere already, or the kernel refuses.
    pub fn publish(&self, ports: &[Publication]) -> Result<(), FirewallError> {
        let Some(&first) = ports.first() else { return Ok(()) };
        let mut state = self.lock();
        let failed = |source| FirewallError::Publish {
            publication: first,
            source,
        };
        match state.kernel.commit(self.addition(ports)) {
            Err(error) if error.is(ENOENT) => {
                self.write(&mut state)?; // somebody deleted the table
                state.kernel.commit(self.addition(ports)).map_err(failed)?;
            }
            result => result.map_err(failed)?,
        }
        let new = ports
            .iter()
            .filter(|port| !state.published.contains(port))
            .copied()
            .collect::<Vec<_>>();
        state.published.extend(new);
        Ok(())
    }

    /// Unpublishes ports; those that are not published are fine.
    ///
    /// # Errors
    /// The kernel refuses; the other ports are unpublished all the same.
    pub fn unpublish(&self, ports: &[Publication]) -> Result<(), FirewallError> {
        if ports.is_empty() {
            return Ok(());
        }
        let mut state = self.lock();
        state.published.retain(|port| !ports.contains(port));
        match state.kernel.commit(self.removal(ports)) {
            Err(error) if error.is(ENOENT) => self.unpublish_singly(&mut state, ports),
            result => result.map_err(|source| FirewallError::Unpublish {
                publication: ports[0],
                source,
            }),
        }
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
        let mut state = self.lock();
        state.published.clear();
        let mut batch = Batch::new(&self.table);
        batch.add_table().delete_table();
        state.kernel.commit(batch).map_err(|source| FirewallError::Apply {
            table: self.table.clone(),
            source,
        })
    }

    fn write(&self, state: &mut State) -> Result<(), FirewallError> {
        let content = plan::table(&state.networks);
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
        for map in MAPS {
            batch.add_elements(map, &publication::elements(map, &state.published));
        }
        state.kernel.commit(batch).map_err(|source| FirewallError::Apply {
            table: self.table.clone(),
            source,
        })
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
