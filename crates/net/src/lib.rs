//! The networks of one host: bridges, their addresses, links, firewall and published ports.
//!
//! Kernel objects owned here: one bridge per network (link group [`LINK_GROUP`]), one veth pair per
//! endpoint (host end `veth…`, other end inside the container's namespace), one nftables table per
//! daemon, one shared table `corten_guard` while forwarding was turned on by us, and the bound sockets
//! that reserve host ports until they are handed to a shim.
//!
//! [`BridgeNetwork`] is the door for the engine: everything a container on a bridge needs, in order, each
//! step with its reverse; [`Host`] is what all networks of a daemon share. All calls are synchronous, take well under a millisecond and may
//! be made from any thread whose network namespace is the host's.
//!
//! Not here: what is done inside the container's namespace ([`corten_sys::netlink::inside`], called by
//! the shim), and the splice of ports that NAT cannot serve (shim).

pub mod address;
pub mod bridge;
pub mod endpoint;
pub mod files;
pub mod firewall;
pub mod forwarding;
pub mod holder;
pub mod host;
pub mod ipam;
pub mod mac;
pub mod macvlan;
pub mod means;
pub mod network;
pub mod parent;
pub mod pool;
pub mod port;
pub mod recovery;
pub mod sandbox;
pub mod subnet;
pub mod uninstall;

pub use host::{Host, HostConfig};
pub use mac::MacAddress;
pub use macvlan::{MacvlanConfig, MacvlanNetwork};
pub use means::Means;
pub use network::BridgeNetwork;
pub use port::Protocol;
pub use sandbox::{BridgeNetworkConfig, PortRequest, Prepared, PublishedPort, Sandbox, SandboxRequest};
pub use subnet::Subnet;

/// Link group of every bridge that a Corten daemon makes, so that daemons side by side know each
/// other's bridges without knowing each other's names.
pub const LINK_GROUP: u32 = 0xC0_47;

/// Link group of VLAN links that a network made for itself and takes along.
pub const PARENT_GROUP: u32 = 0xC0_49;

/// Link group of host ends whose containers have ended: out of service, to be deleted.
pub const RETIRED_GROUP: u32 = 0xC0_48;
