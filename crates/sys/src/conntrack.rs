//! The connection table: deletes the entries of an address, so that nothing keeps talking to it.
//!
//! Over NETLINK_NETFILTER, subsystem CTNETLINK. The kernel filters while it dumps (CTA_FILTER, Linux
//! 5.8) a large table, each match is then deleted by its tuple and id.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::netlink::message::{self, Messages, REQUEST};
use crate::netlink::{Error, Protocol, Socket};
use crate::sysctl;

const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;

const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const STATUS: u16 = 3;
const ID: u16 = 12;
const FILTER: u16 = 25;
const FILTER_ORIGINAL_FLAGS: u16 = 1;
const FILTER_REPLY_FLAGS: u16 = 2;
const TUPLE_IP: u16 = 1;
const IP_SOURCE: [u16; 2] = [1, 3];
const IP_DESTINATION: [u16; 2] = [2, 4];
const TUPLE_PROTOCOL: u16 = 2;
const PROTOCOL_NUMBER: u16 = 1;
const DESTINATION_PORT: u16 = 3;
/// IPS_DST_NAT
const DESTINATION_REWRITTEN: u32 = 1 << 5;
/// The protocol number of UDP.
const UDP: u8 = 17;

/// CTA_FILTER_FLAG_CTA_IP_SRC
const MATCH_SOURCE: u32 = 1;

/// Up to so many connections it is cheaper to read all than to have the kernel look twice for each address.
const FEW: u64 = 4096;

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

    /// Deletes the connections that one of the addresses began and those that end at one, translated ones
    /// included. Returns how many. Walks the table, whose size and not whose content costs time: some
    /// milliseconds for 262,144 buckets.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn forget(&mut self, addresses: &[IpAddr]) -> Result<usize, Error> {
        let count: u64 = sysctl::get("netfilter/nf_conntrack_count")?.parse().unwrap_or(u64::MAX);
        let mut deleted = 0;
        for request in requests(addresses, count) {
            for (_, entry) in self.socket.dump(&request)? {
                if addresses.iter().any(|&address| concerns(&entry, address)) {
                    deleted += usize::from(self.delete(&entry)?);
                }
            }
        }
        Ok(deleted)
    }

    /// Deletes the flows of UDP whose destination is not rewritten and wanted gone: clients that went on sending to a
    /// published port while nobody had it, and whose packets no rule would look at again. Returns how many. Costs as
    /// [`Self::forget`].
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn forget_untranslated(&mut self, is_wanted_gone: impl Fn(SocketAddr) -> bool) -> Result<usize, Error> {
        if sysctl::get("netfilter/nf_conntrack_count")? == "0" {
            return Ok(0);
        }
        let mut everything = Messages::new();
        everything.begin(GET, REQUEST).put(&[0, 0, 0, 0]);
        let mut deleted = 0;
        for (_, entry) in self.socket.dump(&everything)? {
            if untranslated(&entry).is_some_and(&is_wanted_gone) {
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

/// The requests whose answers have all connections of the addresses: one for everything while that is
/// little, else two for each address.
fn requests(addresses: &[IpAddr], count: u64) -> Vec<Messages> {
    if addresses.is_empty() || count == 0 {
        return Vec::new();
    }
    if count < FEW {
        let mut everything = Messages::new();
        everything.begin(GET, REQUEST).put(&[0, 0, 0, 0]);
        return vec![everything];
    }
    let directions = |&address: &IpAddr| [TUPLE_ORIGINAL, TUPLE_REPLY].map(|direction| filtered(address, direction));
    addresses.iter().flat_map(directions).collect()
}

/// Whether the source of the entry in one direction is the address.
fn concerns(entry: &[u8], address: IpAddr) -> bool {
    let attributes = entry.get(4..).unwrap_or(&[]);
    [TUPLE_ORIGINAL, TUPLE_REPLY].iter().any(|&direction| {
        let ip = message::find(attributes, direction).and_then(|tuple| message::find(tuple, TUPLE_IP));
        let source = ip.and_then(|ip| IP_SOURCE.iter().find_map(|&kind| message::find(ip, kind)));
        source.and_then(message::address) == Some(address)
    })
}

/// Where a flow of UDP goes whose destination is not rewritten.
fn untranslated(entry: &[u8]) -> Option<SocketAddr> {
    let attributes = entry.get(4..)?;
    let status = message::find(attributes, STATUS)?;
    if u32::from_be_bytes(status.try_into().ok()?) & DESTINATION_REWRITTEN != 0 {
        return None;
    }
    let tuple = message::find(attributes, TUPLE_ORIGINAL)?;
    let protocol = message::find(tuple, TUPLE_PROTOCOL)?;
    if message::find(protocol, PROTOCOL_NUMBER)? != [UDP] {
        return None;
    }
    let ip = message::find(tuple, TUPLE_IP)?;
    let address = IP_DESTINATION.iter().find_map(|&kind| message::find(ip, kind))?;
    let port = message::find(protocol, DESTINATION_PORT)?;
    Some(SocketAddr::new(
        message::address(address)?,
        u16::from_be_bytes(port.try_into().ok()?),
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table_is_read_once_and_a_large_one_filtered() {
        let addresses = [IpAddr::from([172, 17, 0, 2]), IpAddr::from([172, 17, 0, 3])];
        assert_eq!(requests(&addresses, 0).len(), 0);
        assert_eq!(requests(&[], 9).len(), 0);
        assert_eq!(requests(&addresses, FEW - 1).len(), 1);
        assert_eq!(requests(&addresses, FEW).len(), 4);
    }

    #[test]
    fn entries_of_an_address() {
        let address = IpAddr::from([172, 17, 0, 2]);
        for direction in [TUPLE_ORIGINAL, TUPLE_REPLY] {
            let request = filtered(address, direction);
            let entry = message::messages(request.bytes())
                .next()
                .expect("a message")
                .body
                .to_vec();
            assert!(concerns(&entry, address));
            assert!(!concerns(&entry, IpAddr::from([172, 17, 0, 3])));
        }
        assert!(!concerns(&[], address));
    }
}
