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
mod publish;
mod release;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::BorrowedFd;
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
use crate::firewall::plan::{Crossing, Network, Reach};
use crate::host::{Claim, Host, Owner};
use crate::ipam::LeaseError;
use crate::port::ReserveError;
use crate::sandbox::{BridgeNetworkConfig, Gateway, Prepared, Sandbox, SandboxRequest};
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
        match self.allot(request.name, &mut sandbox, &request.ports) {
            Ok(sockets) => Ok(Prepared { sandbox, sockets }),
            Err(error) => {
                self.abandon(&sandbox);
                Err(error)
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
        self.host.ports.enter(sandbox);
        self.host.firewall.publish(&sandbox.publications()).map_err(|error| {
            drop(endpoint::retire(&mut kernel, &sandbox.link));
            self.host.sweeper.wake();
            ConnectError::Publish(error)
        })?;
        self.forget_stale(&mut kernel, sandbox);
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
}
