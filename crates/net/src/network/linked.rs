//! Links between containers of a bridge that keeps them apart: opened when both run, closed when either ends or the link
//! is removed. A port of the bridge is isolated whenever no link needs it: it is let go after the rules are written, and
//! isolated before they are taken away.

use std::net::{IpAddr, Ipv4Addr};

use corten_sys::netlink::{self, Route};

use super::BridgeNetwork;
use crate::firewall::FirewallError;
use crate::firewall::linked::Opening;
use crate::port::Protocol;
use crate::sandbox::Sandbox;

/// A link cannot be opened or closed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The table of the family `inet` is refused.
    #[error(transparent)]
    Firewall(#[from] FirewallError),
    /// The table of the family `bridge`, or a port's mode, is.
    #[error("bridge port: {0}")]
    Port(#[from] netlink::Error),
}

/// Two containers of which one links to the other.
#[derive(Debug, Clone, Copy)]
pub struct Linked<'a> {
    /// The one that has the link.
    pub parent: &'a Sandbox,
    /// The one that it leads to.
    pub child: &'a Sandbox,
}

impl BridgeNetwork {
    /// Lets the parent use these ports of the child, as long as both have their places. Nothing where neighbours may
    /// talk to each other anyway.
    ///
    /// # Errors
    /// The kernel refuses; nothing is open then.
    pub fn open_link(&self, linked: Linked<'_>, ports: &[(Protocol, u16)]) -> Result<(), LinkError> {
        let openings = openings(linked, ports);
        if self.config.inter_container || openings.is_empty() {
            return Ok(());
        }
        let mut kernel = self.host.kernel();
        let (parent, child) = (self.owner(linked.parent), self.owner(linked.child));
        let opened = self
            .host
            .owning(|ownership, netfilter| ownership.open(netfilter, [&parent, &child], &openings));
        let result = opened.map_err(LinkError::from).and_then(|ports| {
            if ports.is_empty() {
                // One of them has just ended.
                return Ok(());
            }
            self.host.firewall.open_links(&openings)?;
            Ok(ports.iter().try_for_each(|port| kernel.isolate_port(port, false))?)
        });
        if result.is_err() {
            drop(self.close(&mut kernel, &openings));
        }
        result
    }

    /// Closes what [`Self::open_link`] opened; that it is not open is fine.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn close_link(&self, linked: Linked<'_>) -> Result<(), LinkError> {
        let (Some(parent), Some(child)) = (linked.parent.address4, linked.child.address4) else {
            return Ok(());
        };
        let between = |opening: &Opening| opening.parent == parent && opening.child == child;
        self.close_where(&between)
    }

    /// Closes all links of a container that leaves.
    pub(super) fn close_links_of(&self, sandbox: &Sandbox) -> Result<(), LinkError> {
        let Some(address) = sandbox.address4 else { return Ok(()) };
        self.close_where(&|opening: &Opening| opening.concerns(IpAddr::V4(address)))
    }

    fn close_where(&self, gone: &dyn Fn(&Opening) -> bool) -> Result<(), LinkError> {
        if self.config.inter_container {
            return Ok(());
        }
        let mut kernel = self.host.kernel();
        let openings = self.host.owning(|ownership, _| ownership.openings());
        let openings: Vec<_> = openings.into_iter().filter(gone).collect();
        if openings.is_empty() {
            return Ok(());
        }
        self.close(&mut kernel, &openings)
    }

    fn close(&self, kernel: &mut Route, openings: &[Opening]) -> Result<(), LinkError> {
        const ENODEV: i32 = 19;
        for port in self.host.owning(|ownership, _| ownership.ports_without(openings)) {
            match kernel.isolate_port(&port, true) {
                // Its container ends too.
                Err(error) if error.is(ENODEV) => {}
                result => result?,
            }
        }
        self.host
            .owning(|ownership, netfilter| ownership.close(netfilter, openings))?;
        Ok(self.host.firewall.close_links(openings)?)
    }
}

fn openings(linked: Linked<'_>, ports: &[(Protocol, u16)]) -> Vec<Opening> {
    let addresses: Option<(Ipv4Addr, Ipv4Addr)> = linked.parent.address4.zip(linked.child.address4);
    let opening = |(parent, child)| {
        ports.iter().map(move |&(protocol, port)| Opening {
            parent,
            child,
            protocol,
            port,
        })
    };
    addresses.into_iter().flat_map(opening).collect()
}
