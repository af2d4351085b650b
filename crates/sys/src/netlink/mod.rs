//! Netlink: links, addresses, routes and neighbours of the calling thread's network namespace, and the
//! message format that nftables and conntrack share.
//!
//! ```text
//! message   length u32 | type u16 | flags u16 | sequence u32 | port u32 | body | attributes
//! attribute length u16 | type u16 | value, padded to 4
//! ```
//! [`message`] writes and reads that (pure), [`socket`] carries it, the others are verbs over [`Route`].
//! A socket belongs to the namespace of the thread that opened it, whoever uses it later.

pub mod address;
mod error;
pub mod inside;
pub mod link;
pub mod message;
pub mod neighbour;
pub mod route;
pub mod socket;

pub use error::Error;
pub use socket::{Protocol, Socket};

/// A NETLINK_ROUTE socket. See rtnetlink(7).
#[derive(Debug)]
pub struct Route {
    socket: Socket,
}

impl Route {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// No descriptor is left, or the kernel has no netlink.
    pub fn open() -> std::io::Result<Self> {
        Ok(Self {
            socket: Socket::open(Protocol::Route)?,
        })
    }
}
