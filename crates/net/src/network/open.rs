//! Opening a network: adopt or choose a subnet, make the bridge and the firewall right, agree with the
//! records; and removing it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use corten_sys::netlink::{self, Route};

use super::BridgeNetwork;
use super::lease::Pools;
use crate::bridge::{self, BridgeError, BridgeSpecification};
use crate::firewall::FirewallError;
use crate::firewall::plan::Open;
use crate::forwarding::ForwardingError;
use crate::host::{Claim, ClaimError, Host, HostConfig};
use crate::recovery::Recovered;
use crate::sandbox::{BridgeNetworkConfig, Sandbox};
use crate::{Means, Subnet, address, host, pool};

/// A network cannot be set up or taken down.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Every default address pool overlaps an address or route of the host.
    #[error("all predefined address pools have been fully subnetted")]
    NoPool,
    /// The user's bridge is not there.
    #[error("bridge device with non default name {0} must be created manually")]
    Missing(String),
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
    /// The only network of a daemon, admitted to a [`Host`] of its own.
    ///
    /// # Errors
    /// Another daemon has the bridge or the table, no free pool, or the kernel refuses a step; what was made
    /// before stays and is adopted next time.
    pub fn open(config: BridgeNetworkConfig) -> Result<Self, OpenError> {
        let (host, network) = Self::first(config)?;
        host.admit(&[&network])?;
        Ok(network)
    }

    /// The first network of a daemon, with the [`Host`] that it shares with the others; not admitted yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn first(mut config: BridgeNetworkConfig) -> Result<(Arc<Host>, Self), OpenError> {
        let claim = if config.or_next {
            let (claim, number) = Claim::next_bridge(&config.bridge, config.remembered.as_deref())?;
            config.bridge = host::numbered(&config.bridge, number);
            config.table = host::numbered(&config.table, number);
            claim
        } else {
            Claim::bridge(&config.bridge)?
        };
        let shared = HostConfig {
            table: config.table.clone(),
            means: config.means,
            forward: config.forward,
            keep_closed: config.keep_closed,
            direct: config.four.crossing.open == Open::Published,
        };
        let host = Host::open(shared)?;
        let network = Self::claimed(&host, config, claim)?;
        Ok((host, network))
    }

    /// Adopts the bridge of that name with its subnet, or chooses a subnet and makes it. The firewall does not
    /// know it before [`Host::admit`] or [`Host::add`].
    ///
    /// # Errors
    /// Another daemon has the bridge, no free pool, or the kernel refuses a step; what was made before stays
    /// and is adopted next time.
    pub fn make(host: &Arc<Host>, config: BridgeNetworkConfig) -> Result<Self, OpenError> {
        let claim = Claim::bridge(&config.bridge)?;
        Self::claimed(host, config, claim)
    }

    fn claimed(host: &Arc<Host>, config: BridgeNetworkConfig, claim: Claim) -> Result<Self, OpenError> {
        let mut kernel = host.kernel();
        if config.existing && kernel.link(&config.bridge)?.is_none() {
            return Err(OpenError::Missing(config.bridge));
        }
        let gateway4 = if config.ipv4 {
            Some(choose_gateway(&mut kernel, &config)?)
        } else {
            None
        };
        let specification = specification(&config, gateway4, host.means());
        let index = bridge::ensure(&mut kernel, &specification)?;
        drop(kernel);
        Ok(Self {
            specification,
            gateway4,
            gateway6: config.gateway6,
            host: Arc::clone(host),
            index: AtomicU32::new(index),
            leases: Mutex::new(Pools::new(
                gateway4,
                config.gateway6,
                (config.range, config.range6),
                (config.four.unused, config.six.unused),
                &config.reserved,
            )),
            _claim: claim,
            config,
        })
    }

    /// [`Host::recover`] for a daemon with this network alone.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn recover(&self, running: &[Sandbox]) -> Result<Recovered, OpenError> {
        self.host.recover(&[(self, running.to_vec())])
    }

    /// Deletes the links of ended containers that are still there, now instead of in half a second.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn sweep(&self) -> Result<(), netlink::Error> {
        host::sweep()
    }

    /// Takes the network out of the firewall and removes its bridge; that they are gone is fine.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn delete(&self) -> Result<(), OpenError> {
        self.host.drop_network(self)?;
        bridge::remove(&mut self.host.kernel(), &self.config.bridge)?;
        if self.gateway6.is_some() {
            self.host.close6()?;
        }
        Ok(())
    }

    /// Removes bridge and table, and turns forwarding off if it was us who turned it on and no other Corten
    /// daemon has a bridge. For a daemon that is uninstalled, and for tests.
    ///
    /// # Errors
    /// The kernel refuses a step.
    pub fn remove(self) -> Result<(), OpenError> {
        bridge::remove(&mut self.host.kernel(), &self.config.bridge)?;
        self.host.remove()
    }
}

/// The configured gateway, else that of the bridge that is there or of the range, else the first address of a free pool.
fn choose_gateway(route: &mut Route, config: &BridgeNetworkConfig) -> Result<(Ipv4Addr, u8), OpenError> {
    if let Some(gateway) = config.gateway {
        return Ok(gateway);
    }
    let found = match bridge::gateway4(route, &config.bridge)? {
        Some((IpAddr::V4(address), prefix)) => Some((address, prefix)),
        Some(_) | None => None,
    };
    if let Some(gateway) = gateway_in(found, config.range, config.existing) {
        return Ok(gateway);
    }
    let except = route.link(&config.bridge)?.map_or(0, |link| link.index);
    let pools = pool::of_family(&config.pools, pool::Family::V4);
    let subnet = pool::choose(&pools, &address::occupied(route, except)?).ok_or(OpenError::NoPool)?;
    match pool::first_address(subnet) {
        IpAddr::V4(address) => Ok((address, subnet.prefix())),
        IpAddr::V6(_) => Err(OpenError::NoPool),
    }
}

/// The gateway that follows from the bridge's address and the range that containers' addresses come from (pure): the
/// bridge's, with the larger subnet of both; the range's first address if the bridge is elsewhere, unless it is the
/// user's. Observed: moby's tests of the default bridge.
fn gateway_in(bridge: Option<(Ipv4Addr, u8)>, range: Option<Subnet>, is_users: bool) -> Option<(Ipv4Addr, u8)> {
    let Some(range) = range.filter(|range| range.address().is_ipv4()) else {
        return bridge;
    };
    if let Some((address, prefix)) = bridge {
        let subnet = Subnet::new(IpAddr::V4(address), prefix);
        if is_users || (subnet.contains(range.address()) && prefix <= range.prefix()) {
            return bridge;
        }
        if range.contains(IpAddr::V4(address)) {
            return Some((address, range.prefix()));
        }
    }
    match pool::first_address(range) {
        IpAddr::V4(first) => Some((first, range.prefix())),
        IpAddr::V6(_) => None,
    }
}

fn specification(config: &BridgeNetworkConfig, gateway4: Option<(Ipv4Addr, u8)>, means: Means) -> BridgeSpecification {
    let four = gateway4.filter(|_| !config.four.bare);
    let four = four.map(|(address, prefix)| (IpAddr::V4(address), prefix));
    let six = config.gateway6.filter(|_| !config.six.bare);
    let six = six.map(|(address, prefix)| (IpAddr::V6(address), prefix));
    BridgeSpecification {
        name: config.bridge.clone(),
        gateways: four.into_iter().chain(six).collect(),
        mtu: config.mtu,
        translates_loopback: means.rules4,
        keeps_addresses: config.existing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_of_a_range() {
        let table = [
            (None, None, None),
            (Some("10.1.0.9/16"), None, Some("10.1.0.9/16")),
            (None, Some("10.1.2.0/24"), Some("10.1.2.1/24")),
            // the range is part of the bridge's subnet, holds it, is elsewhere
            (Some("10.1.2.9/20"), Some("10.1.2.0/24"), Some("10.1.2.9/20")),
            (Some("10.1.2.9/24"), Some("10.1.0.0/20"), Some("10.1.2.9/20")),
            (Some("10.1.2.9/24"), Some("10.1.3.0/24"), Some("10.1.3.1/24")),
            (Some("10.1.2.9/24"), Some("10.1.2.0/24"), Some("10.1.2.9/24")),
        ];
        let pair = |text: &str| {
            let (address, prefix) = text.split_once('/').unwrap();
            (address.parse().unwrap(), prefix.parse().unwrap())
        };
        for (bridge, range, expected) in table {
            let range = range.map(|range| range.parse().unwrap());
            assert_eq!(
                gateway_in(bridge.map(pair), range, false),
                expected.map(pair),
                "{bridge:?} {range:?}"
            );
        }
        let own = Some(pair("10.1.2.9/24"));
        assert_eq!(gateway_in(own, Some("10.1.3.0/24".parse().unwrap()), true), own);
    }
}
