//! The ports that a place on a bridge network publishes: who of them it takes over from another place of the container,
//! which host ports it reserves, and their elements in the firewall.
//!
//! A host port that a container has got stays its own for the run: when another network becomes the way out, the port
//! leads to the container's place there, and its socket is the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use corten_sys::netlink::Route;

use super::{BridgeNetwork, PrepareError};
use crate::firewall::FirewallError;
use crate::firewall::plan::Open;
use crate::host::port_ledger;
use crate::port::{self, ReserveError, ReserveRequest, Reserved};
use crate::sandbox::{PortRequest, PublishedPort, Publishing, Sandbox, Way};

impl BridgeNetwork {
    /// Decides anew what this place publishes, of the container's ports in this order; the result is a socket for each
    /// port that was not held. The former ports of the place are forgotten, its elements in the firewall are not touched:
    /// [`Self::republish`] does that.
    ///
    /// # Errors
    /// A port is taken; the place publishes what it did before.
    pub fn allot(
        &self,
        name: &str,
        sandbox: &mut Sandbox,
        publishing: &Publishing<'_>,
    ) -> Result<Vec<OwnedFd>, PrepareError> {
        let (ports, sockets) = self
            .reserve_all(publishing, sandbox)
            .map_err(|source| PrepareError::Port {
                name: name.to_owned(),
                container: sandbox.container.clone(),
                source: Box::new(source),
            })?;
        sandbox.ports = ports;
        sandbox.direct = self.direct(publishing, sandbox);
        self.host.ports.enter(sandbox);
        Ok(sockets)
    }

    /// A place keeps the ports that it had: what [`Self::allot`] gave it is no more, as another place got none.
    pub fn keep_ports(&self, had: &Sandbox, allotted: &Sandbox) {
        self.host.ports.leave(allotted);
        self.host.ports.enter(had);
    }

    /// Takes the ports away that a connected place publishes no more. To be called for all places of a container before
    /// [`Self::republish`] is for any, so that no port leads to two.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn withdraw(&self, before: &Sandbox, after: &Sandbox) -> Result<(), FirewallError> {
        let kept = after.publications();
        let mut gone = before.publications();
        gone.retain(|publication| !kept.contains(publication));
        self.host.ports.leave(before);
        self.host.firewall.unpublish(&gone)
    }

    /// Publishes what a place has taken over from another; what it published before stays.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn republish(&self, before: &Sandbox, after: &Sandbox) -> Result<(), FirewallError> {
        let had = before.publications();
        let mut new = after.publications();
        new.retain(|publication| !had.contains(publication));
        self.host.ports.enter(after);
        if !new.is_empty() {
            self.host.firewall.publish(&new)?;
            self.forget_stale(&mut self.host.kernel(), after);
        }
        Ok(())
    }

    /// Lets clients of UDP that went on sending to the sandbox's ports while nobody had them reach it. Some milliseconds
    /// for a container that publishes such ports, nothing for others.
    pub(super) fn forget_stale(&self, kernel: &mut Route, sandbox: &Sandbox) {
        let publications = sandbox.publications();
        let udp = publications
            .iter()
            .filter(|publication| publication.protocol == crate::Protocol::Udp);
        let published: Vec<_> = udp.map(|publication| publication.host).collect();
        if published.is_empty() {
            return;
        }
        let forgotten = kernel.addresses().and_then(|own| {
            let own: Vec<_> = own.iter().map(|own| own.address).collect();
            self.host.forgetter.forget_stale(&published, &own)
        });
        if let Err(error) = forgotten {
            tracing::warn!(container = %sandbox.container, %error, "clients that sent before may not reach it");
        }
    }

    fn reserve_all(
        &self,
        publishing: &Publishing<'_>,
        sandbox: &Sandbox,
    ) -> Result<(Vec<PublishedPort>, Vec<OwnedFd>), ReserveError> {
        let mut published: Vec<PublishedPort> = Vec::new();
        let mut sockets = Vec::new();
        let mut held: Vec<&PublishedPort> = publishing.held.iter().collect();
        for port in if self.config.internal { &[] } else { publishing.ports } {
            let mut missing = Vec::new();
            let mut number = None;
            for address in self.host_addresses(port, sandbox, publishing) {
                let Some(at) = held.iter().position(|held| is_of(held, port, address)) else {
                    missing.push(address);
                    continue;
                };
                let PublishedPort { host, .. } = *held.remove(at);
                number = Some(host.port());
                published.extend(self.published(port, host, sandbox));
            }
            // the other family's place may have one already: the same number is tried for this one
            let other = held
                .iter()
                .find(|held| is_meant(held, port))
                .map(|held| held.host.port());
            if missing.is_empty() || !publishing.reserve {
                continue;
            }
            let earlier = published
                .iter()
                .chain(publishing.held)
                .map(|port| (port.protocol, &port.host));
            for Reserved { host, socket } in self.reserve(port, number.or(other), &missing, sandbox, earlier)? {
                if let Some(port) = self.published(port, host, sandbox) {
                    published.push(port);
                    sockets.push(socket);
                }
            }
        }
        Ok((published, sockets))
    }

    fn published(&self, port: &PortRequest, host: SocketAddr, sandbox: &Sandbox) -> Option<PublishedPort> {
        Some(PublishedPort {
            protocol: port.protocol,
            host,
            container_port: port.container_port,
            way: sandbox.way(host.ip(), port.container_port, self.host.means())?,
        })
    }

    /// The host's addresses at which this place is to publish a port.
    fn host_addresses(&self, port: &PortRequest, sandbox: &Sandbox, publishing: &Publishing<'_>) -> Vec<IpAddr> {
        let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let chosen = port.host_ip.or(self.config.publish_address);
        let addresses = chosen.as_ref().map_or(&all[..], std::slice::from_ref);
        let has = |ipv4: bool| sandbox.addresses().iter().any(|address| address.is_ipv4() == ipv4);
        // a port of the host leads to the container's address of its own family, if there is one
        let is_routed = |address: &IpAddr| self.gateway_of(*address).routed && has(address.is_ipv4());
        let is_served = |address: &IpAddr| sandbox.way(*address, port.container_port, self.host.means()).is_some();
        let (addresses, left_out): (Vec<IpAddr>, Vec<IpAddr>) = addresses
            .iter()
            .filter(|address| publishing.hosts.includes(**address))
            .filter(|address| !is_routed(address))
            .partition(|address| is_served(address));
        if let Some(address) = left_out.first().filter(|_| chosen.is_some() && publishing.reserve) {
            tracing::info!(
                link = sandbox.link, %address, port = port.container_port,
                "a port is left out: its host address and the container's are of different families"
            );
        }
        addresses
    }

    /// What is open at the container's own addresses: all it publishes, where the family is routed or others may
    /// reach containers directly.
    fn direct(&self, publishing: &Publishing<'_>, sandbox: &Sandbox) -> Vec<PublishedPort> {
        let mut direct = Vec::new();
        let ports = if self.config.internal { &[] } else { publishing.ports };
        for address in sandbox.addresses() {
            let open = self.gateway_of(address).crossing.open;
            if !publishing.hosts.includes(address)
                || !matches!(open, Open::Published | Open::Routed)
                || !self.host.means().rules_for(address)
            {
                continue;
            }
            let any: IpAddr = match address {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            direct.extend(ports.iter().map(|port| PublishedPort {
                protocol: port.protocol,
                host: SocketAddr::new(any, 0),
                container_port: port.container_port,
                way: Way::Translate,
            }));
        }
        direct
    }

    fn reserve<'a>(
        &self,
        port: &PortRequest,
        number: Option<u16>,
        addresses: &[IpAddr],
        sandbox: &Sandbox,
        earlier: impl Iterator<Item = (crate::Protocol, &'a SocketAddr)>,
    ) -> Result<Vec<Reserved>, ReserveError> {
        let inside = sandbox.addresses().first().copied();
        let request = ReserveRequest {
            protocol: port.protocol,
            addresses,
            numbers: port.host_port.as_ref(),
            container: SocketAddr::new(inside.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), port.container_port),
        };
        let same = number.map(|number| number..=number);
        let same = same.as_ref().and_then(|same| {
            let numbers = Some(same);
            port::reserve(&ReserveRequest { numbers, ..request }).ok()
        });
        if let Some(reserved) = same {
            return Ok(reserved);
        }
        port::reserve(&request).map_err(|error| {
            let clash = port_ledger::twice(port, addresses, earlier);
            clash
                .or_else(|| self.host.ports.allocated(port, addresses))
                .unwrap_or(error)
        })
    }
}

/// Whether a held port is the one asked for, at whichever address.
fn is_meant(held: &PublishedPort, port: &PortRequest) -> bool {
    let fits = |number| port.host_port.as_ref().is_none_or(|range| range.contains(&number));
    held.protocol == port.protocol && held.container_port == port.container_port && fits(held.host.port())
}

/// Whether a held port is the one asked for at this host address.
fn is_of(held: &PublishedPort, port: &PortRequest, address: IpAddr) -> bool {
    held.host.ip() == address && is_meant(held, port)
}
