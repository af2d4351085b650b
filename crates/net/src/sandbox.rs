//! A container's place on the default bridge, as plain data: what it asks for, what it got. The engine
//! records a [`Sandbox`] and shows it in `inspect`; [`crate::BridgeNetwork`] makes it true.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use corten_base::ContainerId;
use serde::{Deserialize, Serialize};

use crate::firewall::Publication;
use crate::firewall::plan::Crossing;
use crate::port::Protocol;
use crate::{MacAddress, Means, Subnet};

pub use crate::network::{ConnectError, OpenError, PrepareError, ReleaseError};
pub use crate::recovery::Recovered;

/// What a daemon decides about its default bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeNetworkConfig {
    /// The bridge's name, `corten0`; at most 15 bytes.
    pub bridge: String,
    /// Where another daemon has the bridge: another bridge and table, with the next free number instead of this
    /// name's last digit. Dockerd's name alone stands for any number of daemons.
    pub or_next: bool,
    /// With `or_next`: the bridge that this daemon had before; it is waited for, the others are not.
    pub remembered: Option<String>,
    /// The bridge is the user's: it must be there, and its addresses stay as they are.
    pub existing: bool,
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
    /// What the daemon may use, for all its networks.
    pub means: Means,
    /// Turn `ip_forward` on when the network needs it (Docker's `ip-forward`).
    pub forward: bool,
    /// What was not forwarded before stays so when forwarding is turned on (not Docker's `ip-forward-no-drop`).
    pub keep_closed: bool,
    /// Containers may talk to each other (Docker's `icc`).
    pub inter_container: bool,
    /// How IPv4 crosses the gateway.
    pub four: Gateway,
    /// How IPv6 does.
    pub six: Gateway,
    /// Links of the host over which containers are reached at their own addresses.
    pub trusted: Vec<String>,
    /// It has no way out.
    pub internal: bool,
    /// It has IPv4.
    pub ipv4: bool,
    /// IPv6 addresses are leased from this part of the subnet only.
    pub range6: Option<Subnet>,
    /// Addresses that no container gets (Docker's `AuxiliaryAddresses`).
    pub reserved: Vec<IpAddr>,
    /// Host address of published ports that name none (Docker's `ip`); unspecified: all of both families.
    pub publish_address: Option<IpAddr>,
}

/// One family's way through a bridge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gateway {
    /// Source address of what leaves, and what is open at containers' own addresses.
    pub crossing: Crossing,
    /// Ports are published at containers' own addresses, and no port of the host is taken for them.
    pub routed: bool,
    /// The bridge does not have the gateway's address.
    pub bare: bool,
    /// There is no gateway: containers may have the address that would be its.
    pub unused: bool,
}

impl Default for BridgeNetworkConfig {
    fn default() -> Self {
        Self {
            bridge: "corten0".to_owned(),
            or_next: false,
            remembered: None,
            existing: false,
            table: "corten".to_owned(),
            gateway: None,
            range: None,
            pools: Vec::new(),
            gateway6: None,
            mtu: 0,
            means: Means::default(),
            forward: true,
            keep_closed: true,
            inter_container: true,
            four: Gateway::default(),
            six: Gateway::default(),
            trusted: Vec::new(),
            publish_address: None,
            internal: false,
            ipv4: true,
            range6: None,
            reserved: Vec::new(),
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
    /// Name of the link inside the container, `eth0`.
    pub interface: &'a str,
    /// A static IPv6 address; `None`: the next free one.
    pub address6: Option<Ipv6Addr>,
    /// A static IPv4 address; `None`: the next free one.
    pub address4: Option<Ipv4Addr>,
    /// A given MAC address; `None`: a generated one.
    pub mac: Option<MacAddress>,
    /// It has IPv6 switched off, and gets no address of it.
    pub without_ipv6: bool,
    /// Ports to publish.
    pub ports: Publishing<'a>,
}

/// What one of a container's places is to publish.
#[derive(Debug, Clone, Copy)]
pub struct Publishing<'a> {
    /// All that the container publishes.
    pub ports: &'a [PortRequest],
    /// Of these, what is at host addresses of these families.
    pub hosts: Families,
    /// Host ports that the container has already.
    pub held: &'a [PublishedPort],
    /// More may be reserved.
    pub reserve: bool,
}

impl<'a> Publishing<'a> {
    /// All of these ports, at the container's only place.
    #[must_use]
    pub fn all(ports: &'a [PortRequest]) -> Self {
        Self {
            ports,
            hosts: Families { four: true, six: true },
            held: &[],
            reserve: true,
        }
    }
}

/// Families of addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub four: bool,
    /// IPv6.
    pub six: bool,
}

impl Families {
    /// Whether an address is of one of them.
    #[must_use]
    pub fn includes(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(_) => self.four,
            IpAddr::V6(_) => self.six,
        }
    }
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
    /// IPv4 address, where the network has IPv4.
    pub address4: Option<Ipv4Addr>,
    /// Prefix length of the IPv4 subnet in bits.
    pub prefix4: u8,
    /// Way out for IPv4, if the network has one.
    pub gateway4: Option<Ipv4Addr>,
    /// IPv6 address with prefix length and gateway, where the network has IPv6.
    pub address6: Option<(Ipv6Addr, u8, Option<Ipv6Addr>)>,
    /// Published ports, one entry per host address, in the order of [`Prepared::sockets`].
    pub ports: Vec<PublishedPort>,
    /// Ports that are open at the container's own address; of the host none is taken, and zero stands there.
    #[serde(default)]
    pub direct: Vec<PublishedPort>,
    /// Further addresses of its interface, which the network does not give out.
    #[serde(default)]
    pub link_local: Vec<IpAddr>,
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

impl PublishedPort {
    /// Whether it is the same port of the host, whoever serves it.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.protocol, self.host, self.container_port) == (other.protocol, other.host, other.container_port)
    }
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
    /// Nobody: the shim only holds the socket (without rules and without splices).
    Nobody,
}

impl Way {
    /// Where the shim must splice connections that arrive at the reserved socket, if it must.
    #[must_use]
    pub fn splice_to(self) -> Option<(IpAddr, u16)> {
        match self {
            Self::Translate | Self::Nobody => None,
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

impl Sandbox {
    /// Its addresses.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        let six = self.address6.map(|(address, _, _)| IpAddr::V6(address));
        self.address4.map(IpAddr::V4).into_iter().chain(six).collect()
    }

    /// The ports that the kernel translates.
    #[must_use]
    pub fn publications(&self) -> Vec<Publication> {
        let own = self.direct.iter().filter_map(|port| self.publication(port));
        let own = own.map(|publication| Publication {
            host: publication.container,
            ..publication
        });
        self.ports
            .iter()
            .filter_map(|port| self.publication(port))
            .chain(own)
            .collect()
    }

    fn publication(&self, port: &PublishedPort) -> Option<Publication> {
        let address = match port.way {
            Way::Splice(_) | Way::Nobody => return None,
            Way::Translate | Way::Both(_) if port.host.is_ipv4() => IpAddr::V4(self.address4?),
            Way::Translate | Way::Both(_) => IpAddr::V6(self.address6?.0),
        };
        let container = SocketAddr::new(address, port.container_port);
        Some(Publication {
            protocol: port.protocol,
            host: port.host,
            container,
        })
    }

    /// Who moves the bytes of a port of this host address to this container port; `None` if nobody can.
    pub(crate) fn way(&self, host: IpAddr, container_port: u16, means: Means) -> Option<Way> {
        let four = self.address4.map(|address| SocketAddr::from((address, container_port)));
        let six = self
            .address6
            .map(|(address, _, _)| SocketAddr::from((address, container_port)));
        means.way(host, four, six)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(address6: Option<Ipv6Addr>) -> Sandbox {
        let mut sandbox = Sandbox {
            container: ContainerId::from_random([1; 32]),
            link: "veth0".to_owned(),
            interface: "eth0".to_owned(),
            mac: MacAddress([2, 0, 0, 0, 0, 1]),
            address4: Some(Ipv4Addr::new(172, 17, 0, 2)),
            prefix4: 16,
            gateway4: Some(Ipv4Addr::new(172, 17, 0, 1)),
            address6: address6.map(|address| (address, 64, Some(Ipv6Addr::LOCALHOST))),
            ports: Vec::new(),
            direct: Vec::new(),
            link_local: Vec::new(),
        };
        for host in [
            SocketAddr::from(([0, 0, 0, 0], 80)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80)),
        ] {
            let way = sandbox
                .way(host.ip(), 8080, Means::default())
                .expect("it has addresses");
            sandbox.ports.push(PublishedPort {
                protocol: Protocol::Tcp,
                host,
                container_port: 8080,
                way,
            });
        }
        sandbox
    }

    #[test]
    fn ipv6_host_ports_of_an_ipv4_container_are_spliced() {
        let sandbox = sandbox(None);
        assert_eq!(sandbox.ports[0].way.splice_to(), None);
        assert_eq!(
            sandbox.ports[1].way.splice_to(),
            Some((IpAddr::from([172, 17, 0, 2]), 8080))
        );
        let shown: Vec<_> = sandbox.publications().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["0.0.0.0:80:172.17.0.2:8080/tcp"]);
    }

    #[test]
    fn ipv6_host_ports_of_an_ipv6_container_are_both() {
        let address: Ipv6Addr = "fd00::2".parse().expect("an address");
        let sandbox = sandbox(Some(address));
        assert_eq!(sandbox.ports[1].way.splice_to(), Some((IpAddr::V6(address), 8080)));
        let shown: Vec<_> = sandbox.publications().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["0.0.0.0:80:172.17.0.2:8080/tcp", "[::]:80:[fd00::2]:8080/tcp"]);
    }

    #[test]
    fn a_record_without_options_is_read() {
        let before = r#"{"container":"CID","link":"veth0","interface":"eth0","mac":"02:00:00:00:00:01",
            "address4":"172.17.0.2","prefix4":16,"gateway4":"172.17.0.1",
            "address6":["fd00::2",64,"fd00::1"],"ports":[]}"#;
        let text = before.replace("CID", &"01".repeat(32));
        let read: Sandbox = serde_json::from_str(&text).expect("the former format");
        assert_eq!(read.gateway4, Some(Ipv4Addr::new(172, 17, 0, 1)));
        assert_eq!(
            read.address6.and_then(|(_, _, gateway)| gateway),
            "fd00::1".parse().ok()
        );
    }

    #[test]
    fn records_are_read_back() {
        let sandbox = sandbox(None);
        let text = serde_json::to_string(&sandbox).expect("plain data");
        assert_eq!(
            serde_json::from_str::<Sandbox>(&text).expect("what was written"),
            sandbox
        );
    }
}
