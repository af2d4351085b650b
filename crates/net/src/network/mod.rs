//! One bridge network: the door for the engine.
//!
//! For a container, in this order, undone in the reverse one:
//! 1. [`BridgeNetwork::prepare`]: lease addresses, reserve host ports. Nothing in the kernel but bound sockets.
//! 2. [`BridgeNetwork::connect`]: make the link into the shim's namespace, publish the ports.
//! 3. the shim configures the inside and takes the sockets over.
//! 4. [`BridgeNetwork::release`] at exit: unpublish, delete the link, forget connections, free the addresses.
//!
//! [`BridgeNetwork::open`] adopts what an earlier daemon left: bridge, subnet, published ports; then
//! [`crate::Host::recover`] takes the records of the running containers and makes the kernel agree.
//! An address is leased again only when its link and connections are gone.

pub(crate) mod lease;
mod linked;
mod open;
mod release;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use corten_base::ContainerId;
use corten_sys::netlink::{self, Route};

pub use crate::host::ClaimError;
pub use linked::{LinkError, Linked};
pub use open::OpenError;
pub use release::ReleaseError;

use lease::Pools;

use crate::bridge::BridgeSpecification;
use crate::endpoint::{self, EndpointRequest, Port};
use crate::firewall::FirewallError;
use crate::firewall::foreign::Obstacle;
use crate::firewall::ownership;
use crate::firewall::plan::{Crossing, Network, Open, Reach};
use crate::host::{Claim, Host, Owner, port_ledger};
use crate::ipam::LeaseError;
use crate::port::{self, Protocol, ReserveError, ReserveRequest, Reserved};
use crate::sandbox::{
    BridgeNetworkConfig, Gateway, PortRequest, Prepared, PublishedPort, Sandbox, SandboxRequest, Way,
};
use crate::{MacAddress, Subnet, bridge};

/// A network of containers around one bridge.
#[derive(Debug)]
pub struct BridgeNetwork {
    config: BridgeNetworkConfig,
    specification: BridgeSpecification,
    gateway4: Option<(Ipv4Addr, u8)>,
    gateway6: Option<(Ipv6Addr, u8)>,
    host: Arc<Host>,
    /// The bridge's number, which changes when the bridge is made again.
    index: AtomicU32,
    leases: Mutex<Pools>,
    _claim: Claim,
}

/// A container cannot be given its address and ports.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// No address, or a wrong one.
    #[error("failed to set up container networking: {0}")]
    Lease(#[from] LeaseError),
    /// A host port is taken.
    #[error(
        "failed to set up container networking: driver failed programming external connectivity on endpoint {name} ({container}): {source}"
    )]
    Port {
        /// The container's name.
        name: String,
        /// The container's id, which is the endpoint's.
        container: ContainerId,
        /// Which port, and who holds it.
        source: Box<ReserveError>,
    },
}

/// A container cannot be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The link cannot be made.
    #[error("link {link}: {source}")]
    Link {
        /// Name of the host's end.
        link: String,
        /// The kernel's reason.
        source: netlink::Error,
    },
    /// The bridge has as many ports as bridges can have.
    #[error("the bridge {bridge} has 1,023 ports, and no bridge can have more: put the container on another network")]
    Full {
        /// The bridge.
        bridge: String,
    },
    /// The bridge was gone and cannot be made again.
    #[error(transparent)]
    Bridge(bridge::BridgeError),
    /// The ports cannot be published.
    #[error(transparent)]
    Publish(FirewallError),
}

/// errno(3): a bridge with all ports taken.
const EXFULL: i32 = 54;

impl BridgeNetwork {
    /// The network's IPv4 subnet, if it has IPv4.
    #[must_use]
    pub fn subnet4(&self) -> Option<Subnet> {
        self.gateway4
            .map(|(address, prefix)| Subnet::new(IpAddr::V4(address), prefix))
    }

    /// The network's IPv6 subnet and gateway, if it has IPv6.
    #[must_use]
    pub fn subnet6(&self) -> Option<(Subnet, Ipv6Addr)> {
        self.gateway6
            .map(|(address, prefix)| (Subnet::new(IpAddr::V6(address), prefix), address))
    }

    /// The bridge's own IPv4 address, the containers' gateway.
    #[must_use]
    pub fn gateway4(&self) -> Option<Ipv4Addr> {
        self.gateway4.map(|(address, _)| address)
    }

    /// The bridge's name.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.config.bridge
    }

    /// What it was opened with.
    #[must_use]
    pub fn config(&self) -> &BridgeNetworkConfig {
        &self.config
    }

    /// Whether it has no way out.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.config.internal
    }

    /// What it shares with the daemon's other networks.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Settings of other people's firewalls that keep packets from containers; log them.
    #[must_use]
    pub fn obstacles(&self) -> Vec<Obstacle> {
        self.host.obstacles(&self.config.bridge)
    }

    /// Leases addresses and reserves the host ports. An internal network publishes none.
    ///
    /// # Errors
    /// With Docker's text where Docker has one: taken port, address in use or outside the subnet, no
    /// address left. Nothing is kept then.
    pub fn prepare(&self, request: &SandboxRequest<'_>) -> Result<Prepared, PrepareError> {
        let mut sandbox = self.lease(request)?;
        match self.reserve_all(request, &sandbox) {
            Ok(reserved) => {
                let (ports, sockets) = reserved.into_iter().unzip();
                sandbox.ports = ports;
                sandbox.direct = self.direct(request, &sandbox);
                self.host.ports.enter(&sandbox);
                Ok(Prepared { sandbox, sockets })
            }
            Err(source) => {
                self.abandon(&sandbox);
                let (name, container, source) = (request.name.to_owned(), request.container.clone(), Box::new(source));
                Err(PrepareError::Port {
                    name,
                    container,
                    source,
                })
            }
        }
    }

    /// Gives back what [`Self::prepare`] leased, not connected. The sockets are the caller's to close.
    pub fn abandon(&self, sandbox: &Sandbox) {
        self.leases().release(sandbox);
        self.host.ports.leave(sandbox);
    }

    /// Makes the link into the namespace (`/proc/<shim pid>/ns/net`, opened by the caller and closed by it
    /// right after) and publishes the ports. Makes the bridge again if somebody deleted it.
    ///
    /// # Errors
    /// The kernel refuses a step; link and ports are gone then, the lease stays until [`Self::abandon`]
    /// or [`Self::release`].
    pub fn connect(&self, sandbox: &Sandbox, namespace: BorrowedFd<'_>) -> Result<(), ConnectError> {
        let mut kernel = self.host.kernel();
        let failed = |source: netlink::Error| {
            if source.is(EXFULL) {
                let bridge = self.config.bridge.clone();
                return ConnectError::Full { bridge };
            }
            ConnectError::Link {
                link: sandbox.link.clone(),
                source,
            }
        };
        if let Err(error) = self.attach(&mut kernel, sandbox, namespace) {
            if self.is_bridge_there(&mut kernel) {
                return Err(failed(error));
            }
            let index = bridge::ensure(&mut kernel, &self.specification).map_err(ConnectError::Bridge)?;
            self.index.store(index, Ordering::Relaxed);
            self.attach(&mut kernel, sandbox, namespace).map_err(failed)?;
        }
        let owner = self.owner(sandbox);
        self.host
            .owning(|ownership, netfilter| ownership.add(netfilter, &owner))
            .map_err(|error| {
                drop(endpoint::retire(&mut kernel, &sandbox.link));
                self.host.sweeper.wake();
                failed(error)
            })?;
        self.host.firewall.publish(&sandbox.publications()).map_err(|error| {
            drop(endpoint::retire(&mut kernel, &sandbox.link));
            self.host.sweeper.wake();
            ConnectError::Publish(error)
        })?;
        self.forget_stale(&mut kernel, sandbox);
        Ok(())
    }

    /// Lets clients of UDP that went on sending to the sandbox's ports while nobody had them reach it. Some milliseconds
    /// for a container that publishes such ports, nothing for others.
    fn forget_stale(&self, kernel: &mut Route, sandbox: &Sandbox) {
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

    /// Publishes the ports of a container that has just taken them over from its place on another network.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn publish(&self, sandbox: &Sandbox) -> Result<(), FirewallError> {
        self.host.ports.enter(sandbox);
        self.host.firewall.publish(&sandbox.publications())?;
        self.forget_stale(&mut self.host.kernel(), sandbox);
        Ok(())
    }

    /// Waits until the link carries packets both ways; call it when the shim has configured the inside.
    /// Costs a few microseconds, before Linux 6.14 a little more; without it a first packet may be lost.
    ///
    /// # Errors
    /// The link is gone, or its end inside is not on.
    pub fn settle(&self, sandbox: &Sandbox) -> Result<(), ConnectError> {
        let failed = |source| ConnectError::Link {
            link: sandbox.link.clone(),
            source,
        };
        // over a socket of its own: where it has to wait, others must not
        let mut route = Route::open().map_err(|error| failed(error.into()))?;
        route.settle(&sandbox.link).map_err(failed)?;
        // the bridge itself can send only when it has a port that can
        route.settle(&self.config.bridge).map_err(failed)?;
        let owner = Owner {
            addresses: &sandbox.addresses(),
            mac: sandbox.mac,
            given: self.has_given_mac(sandbox),
        };
        if let Err(error) = self.host.announcer.came((self.bridge(), self.index()), &owner) {
            tracing::warn!(link = sandbox.link, %error, "neighbours are not told of a container's hardware address");
        }
        Ok(())
    }

    fn has_given_mac(&self, sandbox: &Sandbox) -> bool {
        sandbox.mac != self.generated_mac(&sandbox.addresses())
    }

    /// The bridge's own addresses, IPv4 first.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<IpAddr> {
        let four = self.gateway4().map(IpAddr::V4);
        let six = self.subnet6().map(|(_, gateway)| IpAddr::V6(gateway));
        let all = four.into_iter().chain(six);
        all.filter(|&address| !self.gateway_of(address).bare).collect()
    }

    /// Which addresses belong to a container's port.
    pub(crate) fn owner(&self, sandbox: &Sandbox) -> ownership::Owner {
        ownership::Owner {
            link: sandbox.link.clone(),
            addresses: sandbox.addresses(),
            closed: !self.config.inter_container,
        }
    }

    /// The bridge's number.
    pub(crate) fn index(&self) -> u32 {
        self.index.load(Ordering::Relaxed)
    }

    /// What the firewall must know of it.
    pub(crate) fn plan(&self) -> Network {
        let six = self.subnet6().map(|(subnet, _)| subnet);
        Network {
            bridge: self.config.bridge.clone(),
            subnets: self.subnet4().into_iter().chain(six).collect(),
            reach: Reach {
                neighbours: self.config.inter_container,
                outside: !self.config.internal,
                four: self.crossing(self.config.four),
                six: self.crossing(self.config.six),
            },
            trusted: self.config.trusted.clone(),
        }
    }

    /// Nothing of an internal network is open to others.
    fn crossing(&self, gateway: Gateway) -> Crossing {
        if self.config.internal {
            return Crossing::default();
        }
        gateway.crossing
    }

    fn gateway_of(&self, family_of: IpAddr) -> Gateway {
        match family_of {
            IpAddr::V4(_) => self.config.four,
            IpAddr::V6(_) => self.config.six,
        }
    }

    fn is_bridge_there(&self, kernel: &mut Route) -> bool {
        let found = kernel.link(&self.config.bridge);
        found.is_ok_and(|link| link.is_some_and(|link| link.index == self.index()))
    }

    fn attach(&self, kernel: &mut Route, sandbox: &Sandbox, namespace: BorrowedFd<'_>) -> Result<(), netlink::Error> {
        let port = Port {
            published: !sandbox.ports.is_empty(),
            isolated: !self.config.inter_container,
        };
        let addresses = sandbox.addresses();
        let is_new = self.has_given_mac(sandbox) || self.host.announcer.is_strange(self.bridge(), &addresses);
        let replaced = if is_new { addresses } else { Vec::new() };
        endpoint::attach(
            kernel,
            &EndpointRequest {
                host_name: &sandbox.link,
                bridge: self.index(),
                namespace,
                container_name: &sandbox.interface,
                mac: sandbox.mac,
                replaced: &replaced,
                mtu: self.config.mtu,
                port,
            },
        )
    }

    fn generated_mac(&self, addresses: &[IpAddr]) -> MacAddress {
        let first = addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        MacAddress::generated(&self.config.bridge, first)
    }

    fn reserve_all(
        &self,
        request: &SandboxRequest<'_>,
        sandbox: &Sandbox,
    ) -> Result<Vec<(PublishedPort, OwnedFd)>, ReserveError> {
        let mut reserved = Vec::new();
        let ports = if self.config.internal { &[] } else { request.ports };
        for port in ports {
            let earlier = reserved
                .iter()
                .map(|(port, _): &(PublishedPort, OwnedFd)| (port.protocol, &port.host));
            for Reserved { host, socket } in self.reserve(port, sandbox, earlier)? {
                let (protocol, container_port) = (port.protocol, port.container_port);
                let Some(way) = sandbox.way(host.ip(), container_port, self.host.means()) else {
                    continue;
                };
                let published = PublishedPort {
                    protocol,
                    host,
                    container_port,
                    way,
                };
                reserved.push((published, socket));
            }
        }
        Ok(reserved)
    }

    /// What is open at the container's own addresses: all it publishes, where the family is routed or others may
    /// reach containers directly.
    fn direct(&self, request: &SandboxRequest<'_>, sandbox: &Sandbox) -> Vec<PublishedPort> {
        let mut direct = Vec::new();
        let ports = if self.config.internal { &[] } else { request.ports };
        for address in sandbox.addresses() {
            let open = self.gateway_of(address).crossing.open;
            if !matches!(open, Open::Published | Open::Routed) || !self.host.means().rules_for(address) {
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
        sandbox: &Sandbox,
        earlier: impl Iterator<Item = (Protocol, &'a SocketAddr)>,
    ) -> Result<Vec<Reserved>, ReserveError> {
        let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let chosen = port.host_ip.or(self.config.publish_address);
        let addresses = chosen.as_ref().map_or(&all[..], std::slice::from_ref);
        let has = |ipv4: bool| sandbox.addresses().iter().any(|address| address.is_ipv4() == ipv4);
        // a port of the host leads to the container's address of its own family, if there is one
        let is_routed = |address: &IpAddr| self.gateway_of(*address).routed && has(address.is_ipv4());
        let is_served = |address: &IpAddr| sandbox.way(*address, port.container_port, self.host.means()).is_some();
        let (addresses, left_out): (Vec<IpAddr>, Vec<IpAddr>) = addresses
            .iter()
            .filter(|address| !is_routed(address))
            .partition(|address| is_served(address));
        if let Some(address) = left_out.first() {
            tracing::info!(
                link = sandbox.link, %address, port = port.container_port,
                "a port is left out: its host address and the container's are of different families, and the userland \
                 proxy is disabled"
            );
        }
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        let addresses = addresses.as_slice();
        let inside = sandbox.addresses().first().copied().unwrap_or(all[0]);
        let request = ReserveRequest {
            protocol: port.protocol,
            addresses,
            numbers: port.host_port.as_ref(),
            container: SocketAddr::new(inside, port.container_port),
        };
        port::reserve(&request).map_err(|error| {
            let clash = port_ledger::twice(port, addresses, earlier);
            clash
                .or_else(|| self.host.ports.allocated(port, addresses))
                .unwrap_or(error)
        })
    }
}
