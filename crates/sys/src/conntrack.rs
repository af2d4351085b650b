//! The connection table: deletes the entries of an address, so that nothing keeps talking to it.
//!
//! Over NETLINK_NETFILTER, subsystem CTNETLINK. The kernel filters while it dumps (CTA_FILTER, Linux
//! 5.8), each match is then deleted by its tuple and id.

use std::io;
use std::net::IpAddr;

use crate::netlink::message::{self, Messages, REQUEST};
use crate::netlink::{Error, Protocol, Socket};
use crate::sysctl;

const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;

const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const ID: u16 = 12;
const FILTER: u16 = 25;
const FILTER_ORIGINAL_FLAGS: u16 = 1;
const FILTER_REPLY_FLAGS: u16 = 2;
const TUPLE_IP: u16 = 1;
const IP_SOURCE: [u16; 2] = [1, 3];

/// CTA_FILTER_FLAG_CTA_IP_SRC
const MATCH_SOURCE: u32 = 1;

/// A socket for the connection table.
#[derive(Debug)]
pub struct Conntrack {
    socket: Socket,
}

impl Conntrack {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// No descriptor is left, or the kernel has no netfilter.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            socket: Socket::open(Protocol::Netfilter)?,
        })
    }

    /// Deletes the connections that an address began and those that end at it, translated ones included.
    /// Returns how many. Walks the whole table once or twice, unless it is empty.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn forget(&mut self, address: IpAddr) -> Result<usize, Error> {
        if sysctl::get("netfilter/nf_conntrack_count").is_ok_and(|count| count == "0") {
            return Ok(0);
        }
        let mut deleted = 0;
        for direction in [TUPLE_ORIGINAL, TUPLE_REPLY] {
            for (_, entry) in self.socket.dump(&filtered(address, direction))? {
                deleted += usize::from(self.delete(&entry)?);
            }
        }
        Ok(deleted)
    }

    /// How many connections an address began, and how many end at it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn count(&mut self, address: IpAddr) -> Result<(usize, usize), Error> {
        let began = self.socket.dump(&filtered(address, TUPLE_ORIGINAL))?.len();
        Ok((began, self.socket.dump(&filtered(address, TUPLE_REPLY))?.len()))
    }

    fn delete(&mut self, entry: &[u8]) -> Result<bool, Error> {
        let Some((header, attributes)) = entry.split_first_chunk::<4>() else {
            return Ok(false);
        };
        let mut request = Messages::new();
        request.begin(DELETE, REQUEST).put(header);
        let Some(tuple) = message::find(attributes, TUPLE_ORIGINAL) else {
            return Ok(false);
        };
        request.nest(TUPLE_ORIGINAL, |inner| {
            inner.put(tuple);
        });
        if let Some(id) = message::find(attributes, ID) {
            request.attribute(ID, id);
        }
        match self.socket.execute(request) {
            Ok(()) => Ok(true),
            Err(error) if error.is(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The request for all connections whose source in one direction is the address: in the original one
/// those it began, in the reply one those that end at it.
fn filtered(address: IpAddr, direction: u16) -> Messages {
    let (family, kind) = match address {
        IpAddr::V4(_) => (libc::AF_INET, IP_SOURCE[0]),
        IpAddr::V6(_) => (libc::AF_INET6, IP_SOURCE[1]),
    };
    let family = u8::try_from(family).expect("families are small");
    let (original, reply) = if direction == TUPLE_ORIGINAL {
        (MATCH_SOURCE, 0)
    } else {
        (0, MATCH_SOURCE)
    };
    let mut request = Messages::new();
    request.begin(GET, REQUEST).put(&[family, 0, 0, 0]);
    request.nest(direction, |tuple| {
        tuple.nest(TUPLE_IP, |ip| {
            ip.address(kind, address);
        });
    });
    request.nest(FILTER, |filter| {
        filter
            .number(FILTER_ORIGINAL_FLAGS, original)
            .number(FILTER_REPLY_FLAGS, reply);
    });
    request
}
