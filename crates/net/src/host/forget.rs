//! Forgetting connections of addresses that are given back.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::{io, mem};

use corten_sys::conntrack::Conntrack;
use corten_sys::netlink;

/// Walks the connection table for all who are released at a time: whoever gets the socket takes the
/// addresses of those who wait for it along.
#[derive(Debug)]
pub(crate) struct Forgetter {
    waiting: Mutex<Vec<IpAddr>>,
    connections: Mutex<Conntrack>,
}

impl Forgetter {
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self {
            waiting: Mutex::default(),
            connections: Mutex::new(Conntrack::open()?),
        })
    }

    /// Forgets flows of UDP to ports that are published from now on and were nobody's: `published` by the address that
    /// they go to and the host's own addresses.
    pub(crate) fn forget_stale(&self, published: &[SocketAddr], own: &[IpAddr]) -> Result<(), netlink::Error> {
        let is_published = |to: SocketAddr| {
            published.iter().any(|port| {
                let any = port.ip().is_unspecified() && (to.ip().is_loopback() || own.contains(&to.ip()));
                port.port() == to.port() && port.is_ipv4() == to.is_ipv4() && (any || port.ip() == to.ip())
            })
        };
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.forget_untranslated(is_published).map(drop)
    }

    pub(crate) fn forget(&self, addresses: Vec<IpAddr>) -> Result<(), netlink::Error> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(addresses);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let all = mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        connections.forget(&all).map(drop)
    }
}
