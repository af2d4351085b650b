//! The default bridge network of one daemon: the door for the engine.
//!
//! For a container, in this order, undone in the reverse one:
//! 1. [`BridgeNetwork::prepare`]: lease an address, reserve host ports. Nothing in the kernel but bound sockets.
//! 2. [`BridgeNetwork::connect`]: make the link into the shim's namespace, publish the ports.
//! 3. the shim configures the inside and takes the sockets over.
//! 4. [`BridgeNetwork::release`] at exit: unpublish, delete the link, forget connections, free the address.
//!
//! [`BridgeNetwork::open`] adopts what an earlier daemon left: bridge, subnet, published ports; then
//! [`BridgeNetwork::recover`] takes the records of the running containers and makes the kernel agree.
//! An address is leased again only when its link and connections are gone.

mod claim;
mod open;
mod release;
mod sweep;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_base::ContainerId;
use corten_sys::netlink::{self, Route};

pub use claim::ClaimError;
pub use open::OpenError;
pub use release::ReleaseError;

use claim::Claim;
use release::Forgetter;
use sweep::Sweeper;

use crate::bridge::BridgeSpecification;
use crate::endpoint::{self, EndpointRequest, Port};
use crate::firewall::foreign::Obstacle;
use crate::firewall::{Firewall, FirewallError};
use crate::ipam::{LeaseError, Leases};
use crate::port::{self, Protocol, ReserveError, ReserveRequest, Reserved};
use crate::sandbox::{BridgeNetworkConfig, PortRequest, Prepared, PublishedPort, Sandbox, SandboxRequest};
use crate::{MacAddress, Subnet, bridge};

/// Name of a container's interface.
const INTERFACE: &str = "eth0";

/// The default network of one daemon.
#[derive(Debug)]
pub struct BridgeNetwork {
    config: BridgeNetworkConfig,
    specification: BridgeSpecification,
    gateway: (Ipv4Addr, u8),
    gateway6: Option<(Ipv6Addr, u8)>,
    firewall: Firewall,
    obstacles: Vec<Obstacle>,
    kernel: Mutex<Kernel>,
    ledger: Mutex<Ledger>,
    sweeper: Sweeper,
    forgetter: Forgetter,
    _claim: Claim,
}

/// The socket that makes links, and the bridge's number, which changes when the bridge is made again.
#[derive(Debug)]
struct Kernel {
    route: Route,
    bridge: u32,
}

/// Who has what.
#[derive(Debug)]
struct Ledger {
    leases4: Leases,
    leases6: Option<Leases>,
    ports: BTreeMap<(Protocol, SocketAddr), ContainerId>,
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
    /// The bridge was gone and cannot be made again.
    #[error(transparent)]
    Bridge(bridge::BridgeError),
    /// The ports cannot be published.
    #[error(transparent)]
    Publish(FirewallError),
}

impl BridgeNetwork {
    /// The network's subnet.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        Subnet::new(IpAddr::V4(self.gateway.0), self.gateway.1)
    }

    /// The network's IPv6 subnet and gateway, if it has IPv6.
    #[must_use]
    pub fn subnet6(&self) -> Option<(Subnet, Ipv6Addr)> {
        self.gateway6
            .map(|(address, prefix)| (Subnet::new(IpAddr::V6(address), prefix), address))
    }

    /// The bridge's own address, the containers' gateway.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        self.gateway.0
    }

    /// The bridge's name.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.config.bridge
    }

    /// Settings of other people's firewalls that keep packets from containers, found at [`Self::open`]; log them.
    #[must_use]
    pub fn obstacles(&self) -> &[Obstacle] {
        &self.obstacles
    }

    /// Leases an address and reserves the host ports.
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
                self.enter_ports(&sandbox);
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
        let mut ledger = self.ledger();
        ledger.leases4.release(IpAddr::V4(sandbox.address4));
        if let (Some(leases), Some((address, _, _))) = (&mut ledger.leases6, sandbox.address6) {
            leases.release(IpAddr::V6(address));
        }
        for port in &sandbox.ports {
            let key = (port.protocol, port.host);
            if ledger.ports.get(&key) == Some(&sandbox.container) {
                ledger.ports.remove(&key);
            }
        }
    }

    /// Makes the link into the namespace (`/proc/<shim pid>/ns/net`, opened by the caller and closed by it
    /// right after) and publishes the ports. Makes the bridge again if somebody deleted it.
    ///
    /// # Errors
    /// The kernel refuses a step; link and ports are gone then, the lease stays until [`Self::abandon`]
    /// or [`Self::release`].
    pub fn connect(&self, sandbox: &Sandbox, namespace: BorrowedFd<'_>) -> Result<(), ConnectError> {
        let mut kernel = self.kernel();
        let failed = |source| ConnectError::Link {
            link: sandbox.link.clone(),
            source,
        };
        if let Err(error) = self.attach(&mut kernel, sandbox, namespace) {
            if self.is_bridge_there(&mut kernel) {
                return Err(failed(error));
            }
            kernel.bridge = bridge::ensure(&mut kernel.route, &self.specification).map_err(ConnectError::Bridge)?;
            self.attach(&mut kernel, sandbox, namespace).map_err(failed)?;
        }
        self.firewall.publish(&sandbox.publications()).map_err(|error| {
            drop(endpoint::retire(&mut kernel.route, &sandbox.link));
            self.sweeper.wake();
            ConnectError::Publish(error)
        })
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
        route.settle(&self.config.bridge).map_err(failed)
    }

    fn is_bridge_there(&self, kernel: &mut Kernel) -> bool {
        let found = kernel.route.link(&self.config.bridge);
        found.is_ok_and(|link| link.is_some_and(|link| link.index == kernel.bridge))
    }

    fn generated_mac(&self, address4: Ipv4Addr) -> MacAddress {
        MacAddress::generated(&self.config.bridge, IpAddr::V4(address4))
    }

    fn attach(&self, kernel: &mut Kernel, sandbox: &Sandbox, namespace: BorrowedFd<'_>) -> Result<(), netlink::Error> {
        let port = Port {
            published: !sandbox.ports.is_empty(),
            isolated: !self.config.inter_container,
        };
        let given_mac = sandbox.mac != self.generated_mac(sandbox.address4);
        let replaced = if given_mac { sandbox.addresses() } else { Vec::new() };
        endpoint::attach(
            &mut kernel.route,
            &EndpointRequest {
                host_name: &sandbox.link,
                bridge: kernel.bridge,
                namespace,
                container_name: &sandbox.interface,
                mac: sandbox.mac,
                replaced: &replaced,
                mtu: self.config.mtu,
                port,
            },
        )
    }

    fn lease(&self, request: &SandboxRequest<'_>) -> Result<Sandbox, LeaseError> {
        let mut ledger = self.ledger();
        let address4 = match request.address4 {
            Some(address) => ledger.leases4.lease_static(IpAddr::V4(address)).map(|()| address)?,
            None => v4(ledger.leases4.lease()?),
        };
        let address6 = match (&mut ledger.leases6, self.gateway6) {
            (Some(leases), Some((gateway, prefix))) => Some((v6(leases.lease()?), prefix, gateway)),
            _ => None,
        };
        Ok(Sandbox {
            container: request.container.clone(),
            link: endpoint::host_name(request.container),
            interface: INTERFACE.to_owned(),
            mac: request.mac.unwrap_or_else(|| self.generated_mac(address4)),
            address4,
            prefix4: self.gateway.1,
            gateway4: self.gateway.0,
            address6,
            ports: Vec::new(),
        })
    }

    fn reserve_all(
        &self,
        request: &SandboxRequest<'_>,
        sandbox: &Sandbox,
    ) -> Result<Vec<(PublishedPort, std::os::fd::OwnedFd)>, ReserveError> {
        let mut reserved = Vec::new();
        for port in request.ports {
            for Reserved { host, socket } in self.reserve(port, sandbox)? {
                let (protocol, container_port) = (port.protocol, port.container_port);
                let way = sandbox.way(host.ip(), container_port);
                reserved.push((
                    PublishedPort {
                        protocol,
                        host,
                        container_port,
                        way,
                    },
                    socket,
                ));
            }
        }
        Ok(reserved)
    }

    fn reserve(&self, port: &PortRequest, sandbox: &Sandbox) -> Result<Vec<Reserved>, ReserveError> {
        let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let chosen = port.host_ip.or(self.config.publish_address);
        let addresses = chosen.as_ref().map_or(&all[..], std::slice::from_ref);
        let request = ReserveRequest {
            protocol: port.protocol,
            addresses,
            numbers: port.host_port.as_ref(),
            container: SocketAddr::from((sandbox.address4, port.container_port)),
        };
        port::reserve(&request).map_err(|error| self.allocated(port, addresses).unwrap_or(error))
    }

    /// Docker's text when it is a container of ours that has the only number asked for.
    fn allocated(&self, port: &PortRequest, addresses: &[IpAddr]) -> Option<ReserveError> {
        let number = port
            .host_port
            .as_ref()
            .filter(|range| range.start() == range.end())
            .map(|range| *range.start())?;
        let ledger = self.ledger();
        let mut taken = ledger
            .ports
            .iter()
            .filter(|((protocol, host), _)| *protocol == port.protocol && host.port() == number);
        let container = taken
            .find(|((_, host), _)| addresses.iter().any(|&wanted| conflict(wanted, host.ip())))?
            .1;
        let host = format!("{}:{number}", addresses.last()?);
        Some(ReserveError::Allocated {
            host,
            container: container.short().to_owned(),
        })
    }

    fn enter_ports(&self, sandbox: &Sandbox) {
        let mut ledger = self.ledger();
        ledger.ports.extend(
            sandbox
                .ports
                .iter()
                .map(|port| ((port.protocol, port.host), sandbox.container.clone())),
        );
    }

    fn kernel(&self) -> MutexGuard<'_, Kernel> {
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two host addresses cannot have the same port.
fn conflict(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified())
}

fn v4(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(four) => four,
        IpAddr::V6(_) => unreachable!("an IPv4 table leases IPv4 addresses"),
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V6(six) => six,
        IpAddr::V4(_) => unreachable!("an IPv6 table leases IPv6 addresses"),
    }
}
