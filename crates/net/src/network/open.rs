//! Opening the network: adopt or choose a subnet, make the bridge and the firewall right, agree with the
//! records; and removing it all.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use corten_sys::netlink::{self, Route};

use super::claim::{Claim, ClaimError};
use super::release::Forgetter;
use super::sweep::Sweeper;
use super::{BridgeNetwork, Kernel, Ledger, v4};
use crate::bridge::{self, BridgeError, BridgeSpecification};
use crate::firewall::plan::{Network, Reach};
use crate::firewall::{Firewall, FirewallError, foreign};
use crate::forwarding::{self, ForwardingError, Version};
use crate::ipam::Leases;
use crate::recovery::{self, Found, Recovered};
use crate::sandbox::{BridgeNetworkConfig, Sandbox};
use crate::{Subnet, address, endpoint, pool};

/// The default network cannot be set up or taken down.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Every default address pool overlaps an address or route of the host.
    #[error("all predefined address pools have been fully subnetted")]
    NoPool,
    /// Another daemon has the bridge or the table.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The host's links, addresses or routes cannot be read or changed.
    #[error("netlink: {0}")]
    Netlink(#[from] netlink::Error),
    /// The bridge cannot be made right.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// The firewall cannot be made right.
    #[error(transparent)]
    Firewall(#[from] FirewallError),
    /// Forwarding cannot be turned on.
    #[error(transparent)]
    Forwarding(#[from] ForwardingError),
}

impl BridgeNetwork {
    /// Adopts the bridge of that name with its subnet, or chooses a subnet and makes it; writes the
    /// firewall, keeping what was published; turns forwarding on if it is off and we may.
    ///
    /// # Errors
    /// Another daemon has the bridge or the table, no free pool, or the kernel refuses a step; what was made before stays and is adopted next time.
    pub fn open(config: BridgeNetworkConfig) -> Result<Self, OpenError> {
        let claim = Claim::take(&config.bridge, &config.table)?;
        let mut route = Route::open().map_err(netlink::Error::from)?;
        let gateway = choose_gateway(&mut route, &config)?;
        let specification = specification(&config, gateway);
        let bridge = bridge::ensure(&mut route, &specification)?;
        let firewall = Firewall::open(&config.table)?;
        firewall.set_networks(vec![network(&config, gateway)])?;
        if config.forward {
            let six = config.gateway6.map(|_| Version::V6);
            for version in std::iter::once(Version::V4).chain(six) {
                firewall.with_kernel(|netfilter| forwarding::ensure(&mut route, netfilter, version))?;
            }
        }
        Ok(Self {
            obstacles: firewall.with_kernel(|kernel| foreign::find(kernel, &config)),
            specification,
            gateway,
            gateway6: config.gateway6,
            firewall,
            kernel: Mutex::new(Kernel { route, bridge }),
            ledger: Mutex::new(ledger(&config, gateway)),
            _claim: claim,
            sweeper: Sweeper::default(),
            forgetter: Forgetter::open().map_err(netlink::Error::from)?,
            config,
        })
    }

    /// Takes over the containers that run: their leases, links and ports. Everything else on the bridge
    /// and in the table is removed.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn recover(&self, running: &[Sandbox]) -> Result<Recovered, OpenError> {
        self.adopt_leases(running);
        if !running.is_empty() {
            self.firewall.adopt_containers();
        }
        let mut kernel = self.kernel();
        let bridge = kernel.bridge;
        let ports = kernel.route.links()?.into_iter().filter(|link| link.master == bridge);
        let ours = ports.filter(|link| link.kind == "veth" && endpoint::is_host_name(&link.name));
        let links = ours.map(|link| link.name).collect();
        let difference = recovery::compare(
            &Found {
                links,
                published: self.firewall.published()?,
            },
            running,
        );
        self.firewall.unpublish(&difference.ports_to_remove)?;
        self.firewall.publish(&difference.ports_to_add)?;
        for link in &difference.links_to_delete {
            endpoint::retire(&mut kernel.route, link)?;
        }
        endpoint::sweep(&mut kernel.route)?;
        Ok(Recovered {
            ports_removed: difference.ports_to_remove.len(),
            ports_added: difference.ports_to_add.len(),
            links_removed: difference.links_to_delete,
            links_missing: difference.links_missing,
        })
    }

    /// Removes table and bridge, and turns forwarding off if it was us who turned it on and no other Corten
    /// daemon has a bridge. For a daemon that is uninstalled, and for tests.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn remove(self) -> Result<(), OpenError> {
        let mut kernel = self.kernel();
        endpoint::sweep(&mut kernel.route)?;
        bridge::remove(&mut kernel.route, &self.config.bridge)?;
        self.firewall.remove()?;
        Ok(self
            .firewall
            .with_kernel(|netfilter| forwarding::restore(&mut kernel.route, netfilter))?)
    }

    fn adopt_leases(&self, running: &[Sandbox]) {
        let mut ledger = self.ledger();
        for sandbox in running {
            // taken already: the engine recovers twice, or two records claim it and both keep it
            drop(ledger.leases4.lease_static(IpAddr::V4(sandbox.address4)));
            if let (Some(leases), Some((address, _, _))) = (&mut ledger.leases6, sandbox.address6) {
                drop(leases.lease_static(IpAddr::V6(address)));
            }
            let ports = sandbox
                .ports
                .iter()
                .map(|port| ((port.protocol, port.host), sandbox.container.clone()));
            ledger.ports.extend(ports);
        }
    }
}

/// The configured gateway, else that of the bridge that is there, else the first address of a free pool.
fn choose_gateway(route: &mut Route, config: &BridgeNetworkConfig) -> Result<(Ipv4Addr, u8), OpenError> {
    if let Some(gateway) = config.gateway {
        return Ok(gateway);
    }
    if let Some((address, prefix)) = bridge::gateway4(route, &config.bridge)? {
        return Ok((v4(address), prefix));
    }
    let defaults = pool::defaults();
    let pools = if config.pools.is_empty() {
        &defaults
    } else {
        &config.pools
    };
    let four: Vec<_> = pools
        .iter()
        .filter(|(pool, _)| pool.address().is_ipv4())
        .copied()
        .collect();
    let except = route.link(&config.bridge)?.map_or(0, |link| link.index);
    let subnet = pool::choose(&four, &address::occupied(route, except)?).ok_or(OpenError::NoPool)?;
    Ok((v4(pool::first_address(subnet)), subnet.prefix()))
}

fn specification(config: &BridgeNetworkConfig, (address, prefix): (Ipv4Addr, u8)) -> BridgeSpecification {
    let six = config.gateway6.map(|(address, prefix)| (IpAddr::V6(address), prefix));
    let gateways = std::iter::once((IpAddr::V4(address), prefix)).chain(six).collect();
    BridgeSpecification {
        name: config.bridge.clone(),
        gateways,
        mtu: config.mtu,
    }
}

fn network(config: &BridgeNetworkConfig, (address, prefix): (Ipv4Addr, u8)) -> Network {
    let six = config
        .gateway6
        .map(|(address, prefix)| Subnet::new(IpAddr::V6(address), prefix));
    Network {
        bridge: config.bridge.clone(),
        subnets: std::iter::once(Subnet::new(IpAddr::V4(address), prefix))
            .chain(six)
            .collect(),
        reach: Reach {
            neighbours: config.inter_container,
            masquerade: config.masquerade,
        },
    }
}

fn ledger(config: &BridgeNetworkConfig, (address, prefix): (Ipv4Addr, u8)) -> Ledger {
    let leases = |address: IpAddr, prefix, range| Leases::new(Subnet::new(address, prefix), range, address);
    Ledger {
        leases4: leases(IpAddr::V4(address), prefix, config.range),
        leases6: config
            .gateway6
            .map(|(address, prefix)| leases(IpAddr::V6(address), prefix, None)),
        ports: BTreeMap::new(),
    }
}
