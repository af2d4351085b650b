//! Networks of containers that are on one of the host's own links beside the host, each with a hardware address.
//!
//! Kernel: a `macvlan` link per container, made over the parent and right into its namespace; nothing of it
//! is left in the host's. A network without a parent has a `dummy` link of its own, `dm-<12 digits>`, which
//! leads nowhere. The host itself is not reached over such links, and ports are not published.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corten_sys::netlink;
use corten_sys::netlink::Route;
use corten_sys::netlink::link::{Ipvlan, MacvlanMode, MacvlanRequest};

use crate::host::Host;
use crate::network::lease::Pools;
use crate::parent::{self, Missing};
use crate::sandbox::{ConnectError, PrepareError, Prepared, Sandbox, SandboxRequest};
use crate::{MacAddress, PARENT_GROUP, Subnet};

/// What a macvlan network must be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MacvlanConfig {
    /// The link below; `None`: one of its own that leads nowhere, of this name.
    pub parent: Option<String>,
    /// Name of the network's own link, where it has one.
    pub own_link: String,
    /// How containers see each other.
    pub mode: MacvlanMode,
    /// The links are ipvlans: all have the parent's hardware address.
    pub ipvlan: Option<Ipvlan>,
    /// The containers' gateway with its subnet.
    pub gateway4: Option<(Ipv4Addr, u8)>,
    /// Whether containers may have the gateways' addresses, of IPv4 and IPv6: there are none.
    pub unused: (bool, bool),
    /// The same for IPv6.
    pub gateway6: Option<(Ipv6Addr, u8)>,
    /// The parts of the subnets that addresses are leased from.
    pub ranges: (Option<Subnet>, Option<Subnet>),
    /// Addresses that no container gets.
    pub reserved: Vec<IpAddr>,
    /// It has no way out.
    pub internal: bool,
    /// Largest packet in bytes; zero: the parent's.
    pub mtu: u32,
}

/// A macvlan network cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MacvlanError {
    /// There is no such link, and none can be made.
    #[error("{0}")]
    Parent(String),
    /// The kernel lacks the kind.
    #[error("operation not supported: this kernel has no {0} links (is there a module? modprobe {0})")]
    NoKind(&'static str),
    /// The kernel refused.
    #[error("{0}")]
    Kernel(#[source] netlink::Error),
}

/// Makes the VLAN's link that a parent is to be.
fn make_parent(kernel: &mut Route, name: &str) -> Result<(), MacvlanError> {
    let (below, number) = match parent::missing(name) {
        Missing::Wrong(text) => return Err(MacvlanError::Parent(text)),
        Missing::Vlan { below, number } => (below, number),
    };
    let found = kernel.link(below).map_err(MacvlanError::Kernel)?;
    let gone = || MacvlanError::Parent(format!("-o parent interface was not found on the host: {below}"));
    let link = found.ok_or_else(gone)?;
    let made = kernel.create_vlan(name, (link.index, number), PARENT_GROUP);
    made.map_err(|error| {
        let why = corten_base::errno::words(&error);
        MacvlanError::Parent(format!("failed to create {name} vlan link: {why}"))
    })
}

/// A network over one link of the host.
#[derive(Debug)]
pub struct MacvlanNetwork {
    config: MacvlanConfig,
    host: Arc<Host>,
    leases: Mutex<Pools>,
}

impl MacvlanNetwork {
    /// Looks for the parent, or makes the network's own link.
    ///
    /// # Errors
    /// There is no such parent, or the kernel refuses.
    pub fn make(host: &Arc<Host>, config: MacvlanConfig) -> Result<Self, MacvlanError> {
        let mut kernel = host.kernel();
        let name = config.parent.as_deref().unwrap_or(&config.own_link);
        let kind = if config.ipvlan.is_some() { "ipvlan" } else { "macvlan" };
        if !kernel.has_kind(kind).map_err(MacvlanError::Kernel)? {
            return Err(MacvlanError::NoKind(kind));
        }
        if name == "lo" {
            let text = format!("loopback interface is not a valid {kind} parent link");
            return Err(MacvlanError::Parent(text));
        }
        let found = kernel.link(name).map_err(MacvlanError::Kernel)?;
        match (found, &config.parent) {
            (Some(_), _) => {}
            (None, Some(parent)) => make_parent(&mut kernel, parent)?,
            (None, None) => kernel.create_dummy(name).map_err(MacvlanError::Kernel)?,
        }
        drop(kernel);
        Ok(Self {
            leases: Mutex::new(Pools::new(
                config.gateway4,
                config.gateway6,
                config.ranges,
                config.unused,
                &config.reserved,
            )),
            host: Arc::clone(host),
            config,
        })
    }

    /// The families for which it is a way out.
    #[must_use]
    pub fn ways_out(&self) -> (bool, bool) {
        let outside = !self.config.internal && self.config.parent.is_some();
        (
            outside && self.config.gateway4.is_some(),
            outside && self.config.gateway6.is_some(),
        )
    }

    /// Leases addresses.
    ///
    /// # Errors
    /// None is left, or the one asked for is taken or not of the subnet.
    pub fn prepare(&self, request: &SandboxRequest<'_>) -> Result<Prepared, PrepareError> {
        let (address4, address6) = self.leases().take(request)?;
        let (way4, way6) = self.ways_out();
        let gateway4 = self.config.gateway4;
        let address6 = address6.zip(self.config.gateway6).map(|(address, (gateway, prefix))| {
            let gateway = way6.then_some(gateway);
            (address, prefix, gateway)
        });
        let first = address4.map(IpAddr::V4);
        let first = first.or(address6.map(|(address, ..)| IpAddr::V6(address)));
        let mut sandbox = Sandbox {
            container: request.container.clone(),
            link: String::new(),
            interface: request.interface.to_owned(),
            mac: request.mac.unwrap_or_else(MacAddress::random),
            address4,
            prefix4: gateway4.map_or(0, |(_, prefix)| prefix),
            gateway4: gateway4.map(|(address, _)| address).filter(|_| way4),
            address6,
            ports: Vec::new(),
            direct: Vec::new(),
            link_local: Vec::new(),
        };
        // the same for one address of this network: neighbours that remember it reach the next owner at once, and
        // networks of other hosts on the link have other ones
        if let (None, Some(address)) = (request.mac, first) {
            sandbox.mac = MacAddress::generated(&self.config.own_link, address);
        }
        Ok(Prepared {
            sandbox,
            sockets: Vec::new(),
        })
    }

    /// Makes the link inside.
    ///
    /// # Errors
    /// The parent is gone, or the kernel refuses.
    pub fn connect(&self, sandbox: &Sandbox, namespace: BorrowedFd<'_>) -> Result<(), ConnectError> {
        let mut kernel = self.host.kernel();
        let name = self.config.parent.as_deref().unwrap_or(&self.config.own_link);
        let failed = |source: netlink::Error| ConnectError::Link {
            link: name.to_owned(),
            source,
        };
        let gone = || failed(std::io::Error::from(std::io::ErrorKind::NotFound).into());
        let parent = kernel.link(name).map_err(failed)?.ok_or_else(gone)?;
        let request = MacvlanRequest {
            parent: parent.index,
            mode: self.config.mode,
            name: &sandbox.interface,
            mac: sandbox.mac.0,
            namespace,
            mtu: self.config.mtu,
        };
        match self.config.ipvlan {
            Some(ipvlan) => kernel.create_ipvlan(&request, ipvlan).map_err(failed),
            None => kernel.create_macvlan(&request).map_err(failed),
        }
    }

    /// Gives the addresses back; the link goes with its namespace.
    pub fn release(&self, sandbox: &Sandbox) {
        self.leases().release(sandbox);
    }

    /// Takes over the addresses of containers that run.
    pub fn adopt(&self, running: &[Sandbox]) {
        let mut leases = self.leases();
        running.iter().for_each(|sandbox| leases.adopt(sandbox));
    }

    /// Removes the network's own link, if it has one; a VLAN's that was made for it is one.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete(&self) -> Result<(), netlink::Error> {
        let mut kernel = self.host.kernel();
        let own = match &self.config.parent {
            None => Some(self.config.own_link.clone()),
            Some(parent) => kernel
                .link(parent)?
                .filter(|link| link.group == PARENT_GROUP)
                .map(|link| link.name),
        };
        own.map_or(Ok(()), |name| kernel.delete_link(&name).map(drop))
    }

    fn leases(&self) -> MutexGuard<'_, Pools> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
