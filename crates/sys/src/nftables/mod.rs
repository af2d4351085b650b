//! nftables over NETLINK_NETFILTER: tables of family `inet`, chains, sets, maps, rules, elements.
//!
//! ```text
//! NFNL_MSG_BATCH_BEGIN | message ... | NFNL_MSG_BATCH_END      all of it or nothing
//! message   nlmsghdr, type 0x0a00 + verb | nfgenmsg: family u8, version u8, resource u16 | attributes
//! ```
//! Numbers are in network byte order. [`batch`] and [`expression`] are pure encoders, [`decode`] reads
//! back what recovery needs; [`Netfilter`] carries both. Works from Linux 5.15 on; all features used are
//! older.

pub mod batch;
pub mod decode;
pub mod expression;
pub mod watch;

use std::io;

pub use batch::{Batch, Chain, Entry, Hook, HookPoint, Map, Value};
pub use decode::{BaseChain, Element};
pub use expression::{Expression, Verdict};

use crate::netlink::message::{Messages, REQUEST};
use crate::netlink::{Error, Protocol, Socket};

const FAMILY_UNSPECIFIED: u8 = 0;
pub(crate) const FAMILY_INET: u8 = 1;
pub(crate) const FAMILY_BRIDGE: u8 = 7;

/// A NETLINK_NETFILTER socket for nftables.
#[derive(Debug)]
pub struct Netfilter {
    socket: Socket,
}

impl Netfilter {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// No descriptor is left, or the kernel has no netfilter.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            socket: Socket::open(Protocol::Netfilter)?,
        })
    }

    /// Carries out a batch, all of it or nothing.
    ///
    /// # Errors
    /// The first refusal; [`Error::position`] counts the batch's steps from one. `EBUSY` and `EEXIST`: an
    /// element is there with another value; `ENOENT`: a table, chain, set or element to delete is not there.
    pub fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        if batch.is_empty() {
            Ok(())
        } else {
            self.socket.commit(batch.finish())
        }
    }

    /// Whether the `inet` table exists.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn has_table(&mut self, table: &str) -> Result<bool, Error> {
        self.has_table_of(FAMILY_INET, table)
    }

    /// The same for one of family `bridge`.
    ///
    /// # Errors
    /// As [`Self::has_table`].
    pub fn has_bridge_table(&mut self, table: &str) -> Result<bool, Error> {
        self.has_table_of(FAMILY_BRIDGE, table)
    }

    fn has_table_of(&mut self, family: u8, table: &str) -> Result<bool, Error> {
        let mut request = Messages::new();
        batch::header(&mut request, batch::GET_TABLE, REQUEST, family).text(1, table);
        match self.socket.get(request) {
            Ok(_) => Ok(true),
            Err(error) if error.is(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The elements of a set or map of an `inet` table; none if the table or set is not there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn elements(&mut self, table: &str, set: &str) -> Result<Vec<Element>, Error> {
        let mut request = Messages::new();
        batch::header(&mut request, batch::GET_ELEMENT, REQUEST, FAMILY_INET)
            .text(1, table)
            .text(2, set);
        match self.socket.dump(&request) {
            Ok(found) => Ok(found.iter().flat_map(|(_, body)| decode::elements(body)).collect()),
            Err(error) if error.is(libc::ENOENT) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether a set or map of an `inet` table has a key. Unlike a refused change, whose undoing waits some
    /// 10 ms for the kernel, the question costs a few microseconds.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn has_element(&mut self, table: &str, set: &str, key: &[u8]) -> Result<bool, Error> {
        let mut request = Messages::new();
        batch::header(&mut request, batch::GET_ELEMENT, REQUEST, FAMILY_INET)
            .text(1, table)
            .text(2, set);
        request.nest(3, |list| {
            list.nest(1, |element| batch::encode_element(element, key, &Value::None));
        });
        match self.socket.get(request) {
            Ok(_) => Ok(true),
            Err(error) if error.is(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The base chains of all tables of all families.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn base_chains(&mut self) -> Result<Vec<BaseChain>, Error> {
        let mut request = Messages::new();
        batch::header(&mut request, batch::GET_CHAIN, REQUEST, FAMILY_UNSPECIFIED);
        Ok(self
            .socket
            .dump(&request)?
            .iter()
            .filter_map(|(_, body)| decode::base_chain(body))
            .collect())
    }
}
