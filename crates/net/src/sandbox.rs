//! A container's place on the default bridge: address, link, published ports.
//!
//! The engine calls, in this order, and undoes in the reverse one:
//! 1. [`BridgeNetwork::prepare`]: lease an address, reserve host ports. Nothing in the kernel but bound sockets.
//! 2. [`BridgeNetwork::connect`]: make the veth into the shim's namespace, publish the ports.
//! 3. the shim configures the inside and takes the sockets over.
//! 4. [`BridgeNetwork::release`] at exit: unpublish, delete the link, forget connections, free the address.
//!
//! The [`Sandbox`] is plain data that the engine records; [`BridgeNetwork::recover`] takes the records
//! of running containers after a restart and makes the kernel agree with them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::{BorrowedFd, OwnedFd};

use corten_base::ContainerId;
use serde::{Deserialize, Serialize};

use crate::firewall::foreign::Obstacle;
use crate::port::Protocol;
use crate::{MacAddress, Subnet};

/// What a daemon decides about its default bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeNetworkConfig {
    /// The bridge's name, `corten0`; at most 15 bytes.
    pub bridge: String,
    /// The daemon's nftables table, `corten`; daemons side by side need different ones.
    pub table: String,
    /// The bridge's own address with its subnet (Docker's `bip`); `None`: first free default pool.
    pub gateway: Option<(Ipv4Addr, u8)>,
    /// Addresses are leased from this part of the subnet only (Docker's `fixed-cidr`).
    pub range: Option<Subnet>,
    /// Default address pools: a network and the prefix length of the subnets cut from it; empty: Docker's.
    pub pools: Vec<(Subnet, u8)>,
    /// The bridge's IPv6 address with its subnet; `None`: the network has no IPv6.
    pub gateway6: Option<(Ipv6Addr, u8)>,
    /// Largest packet in bytes; zero: the kernel's default, 1500.
    pub mtu: u32,
    /// Turn `ip_forward` on when the network needs it (Docker's `ip-forward`).
    pub forward: bool,
    /// Containers may talk to each other (Docker's `icc`).
    pub inter_container: bool,
    /// Containers reach the outside with the host's address (Docker's `ip-masq`).
    pub masquerade: bool,
    /// Host address of published ports that name none (Docker's `ip`); unspecified: all of both families.
    pub publish_address: Option<IpAddr>,
}

impl Default for BridgeNetworkConfig {
    fn default() -> Self {
        Self {
            bridge: "corten0".to_owned(),
            table: "corten".to_owned(),
            gateway: None,
            range: None,
            pools: Vec::new(),
            gateway6: None,
            mtu: 0,
            forward: true,
            inter_container: true,
            masquerade: true,
            publish_address: None,
        }
    }
}

/// What a container asks of its network.
#[derive(Debug, Clone, Copy)]
pub struct SandboxRequest<'a> {
    /// Whose.
    pub container: &'a ContainerId,
    /// The container's name, for messages.
    pub name: &'a str,
    /// A static IPv4 address; `None`: the next free one.
    pub address4: Option<Ipv4Addr>,
    /// A given MAC address; `None`: a generated one.
    pub mac: Option<MacAddress>,
    /// Ports to publish.
    pub ports: &'a [PortRequest],
}

/// One port to publish, as `-p HOST_IP:HOST_PORT:CONTAINER_PORT/PROTOCOL` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRequest {
    /// Transport.
    pub protocol: Protocol,
    /// Port inside the container.
    pub container_port: u16,
    /// Host address; `None`: all addresses of both families.
    pub host_ip: Option<IpAddr>,
    /// Host port: the first free one of the range; `None`: any ephemeral one.
    pub host_port: Option<RangeInclusive<u16>>,
}

/// A container's place on the network: what to record, what to tell the shim, what `inspect` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Whose.
    pub container: ContainerId,
    /// Name of the host's end of the link.
    pub link: String,
    /// Name of the link inside the container.
    pub interface: String,
    /// MAC address inside the container.
    pub mac: MacAddress,
    /// IPv4 address.
    pub address4: Ipv4Addr,
    /// Prefix length of the subnet in bits.
    pub prefix4: u8,
    /// Default gateway.
    pub gateway4: Ipv4Addr,
    /// IPv6 address with prefix length and gateway, where the network has IPv6.
    pub address6: Option<(Ipv6Addr, u8, Ipv6Addr)>,
    /// Published ports, one entry per host address, in the order of [`Prepared::sockets`].
    pub ports: Vec<PublishedPort>,
}

/// A host port that leads into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Transport.
    pub protocol: Protocol,
    /// Host address and port; an unspecified address means all of that family.
    pub host: SocketAddr,
    /// Port inside the container.
    pub container_port: u16,
    /// Who moves the bytes.
    pub way: Way,
}

/// Who moves the bytes of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The kernel, by address translation; the shim only holds the socket.
    Translate,
    /// The shim listens on the socket and splices to this address and port inside the namespace.
    Splice(SocketAddr),
    /// Both: translated, except for clients on `[::1]`, which the shim splices to this address and port.
    Both(SocketAddr),
}

impl Way {
    /// Where the shim must splice connections that arrive at the reserved socket, if it must.
    #[must_use]
    pub fn splice_to(self) -> Option<(IpAddr, u16)> {
        match self {
            Self::Translate => None,
            Self::Splice(to) | Self::Both(to) => Some((to.ip(), to.port())),
        }
    }
}

/// A leased address and reserved ports, not yet connected.
#[derive(Debug)]
pub struct Prepared {
    /// The record.
    pub sandbox: Sandbox,
    /// One bound socket per entry of [`Sandbox::ports`]; hand them to the shim, then drop them.
    pub sockets: Vec<OwnedFd>,
}

/// What [`BridgeNetwork::recover`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Links of containers that no longer run, deleted.
    pub links_removed: Vec<String>,
    /// Ports that no record publishes, unpublished.
    pub ports_removed: usize,
    /// Ports that a record publishes and the kernel had lost.
    pub ports_added: usize,
    /// Running containers whose link is gone; nothing can be done but restart them.
    pub links_missing: Vec<ContainerId>,
}

/// The default network of one daemon.
#[derive(Debug)]
pub struct BridgeNetwork {}

impl BridgeNetwork {
    /// Chooses the subnet, makes or adopts the bridge, writes the firewall. Adopts the subnet of an
    /// existing bridge of ours, so that running containers keep their addresses over a restart.
    ///
    /// # Errors
    /// No free pool, or the kernel refuses a step; what was made before stays and is adopted next time.
    pub fn open(_config: BridgeNetworkConfig) -> Result<Self, OpenError> {
        unimplemented!()
    }

    /// The network's subnet.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        unimplemented!()
    }

    /// The bridge's own address, the containers' gateway.
    #[must_use]
    pub fn gateway(&self) -> Ipv4Addr {
        unimplemented!()
    }

    /// Settings of other people's firewalls that keep packets from containers, found at [`Self::open`];
    /// log them.
    #[must_use]
    pub fn obstacles(&self) -> &[Obstacle] {
        unimplemented!()
    }

    /// Leases an address and reserves the host ports. Makes the bridge again if somebody deleted it.
    ///
    /// # Errors
    /// With Docker's text where Docker has one: taken port, address in use or outside the subnet, no address left.
    pub fn prepare(&self, _request: &SandboxRequest<'_>) -> Result<Prepared, PrepareError> {
        unimplemented!()
    }

    /// Gives a prepared address back without having connected it. Drop the sockets yourself.
    pub fn abandon(&self, _sandbox: &Sandbox) {
        unimplemented!()
    }

    /// Makes the link into the namespace (`/proc/<shim pid>/ns/net`, opened by the caller, closed by the
    /// caller right after) and publishes the ports. Undoes its own halves when it fails.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn connect(&self, _sandbox: &Sandbox, _namespace: BorrowedFd<'_>) -> Result<(), ConnectError> {
        unimplemented!()
    }

    /// Unpublishes, deletes the link, forgets connections, gives the address back. Does all steps
    /// whatever fails, and may be repeated.
    ///
    /// # Errors
    /// All the steps that failed.
    pub fn release(&self, _sandbox: &Sandbox) -> Result<(), ReleaseError> {
        unimplemented!()
    }

    /// Takes over the containers that run: their leases, links and ports. Everything else on the bridge
    /// and in the table is removed.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn recover(&self, _running: &[Sandbox]) -> Result<Recovered, OpenError> {
        unimplemented!()
    }

    /// Removes bridge and table. For a daemon that is uninstalled or a test that cleans up.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn remove(self) -> Result<(), OpenError> {
        unimplemented!()
    }
}

/// The default network cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Every default address pool overlaps an address or route of the host.
    #[error("all predefined address pools have been fully subnetted")]
    NoPool,
}

/// A container cannot be given its address and ports.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// No address, or a wrong one.
    #[error(transparent)]
    Lease(#[from] crate::ipam::LeaseError),
    /// A host port is taken.
    #[error(
        "failed to set up container networking: driver failed programming external connectivity on endpoint {name} ({endpoint}): {source}"
    )]
    Port {
        /// The container's name.
        name: String,
        /// The endpoint's id.
        endpoint: String,
        /// Which port, and who holds it.
        source: crate::port::ReserveError,
    },
    /// The bridge was gone and cannot be made again.
    #[error("failed to set up container networking: {0}")]
    Bridge(#[from] OpenError),
}

/// A container cannot be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {}

/// Steps of a release that failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ReleaseError(pub Vec<String>);
