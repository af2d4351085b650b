//! What a daemon leaves in the kernel for the next one, removed for good.

use corten_sys::netlink::link::Link;
use corten_sys::netlink::{self, Route};
use corten_sys::nftables::Netfilter;

use crate::network::OpenError;
use crate::sandbox::BridgeNetworkConfig;
use crate::{BridgeNetwork, LINK_GROUP, bridge};

/// Removes the bridge and the table of a daemon with these settings that has ended, bridges of user-defined
/// networks that no container uses, and turns forwarding off if it was us who turned it on; fine if nothing is
/// there. No container may run.
///
/// # Errors
/// A daemon lives that has them, or the kernel refuses a step.
pub fn remove_network(config: BridgeNetworkConfig) -> Result<(), OpenError> {
    let mut route = Route::open().map_err(netlink::Error::from)?;
    let links = route.links()?;
    for link in links.iter().filter(|link| is_unused(link, &links)) {
        bridge::remove(&mut route, &link.name)?;
    }
    let bridge = route.link(&config.bridge)?;
    let mut netfilter = Netfilter::open().map_err(netlink::Error::from)?;
    if bridge.is_none_or(|link| link.group != LINK_GROUP) && !netfilter.has_table(&config.table)? {
        return Ok(());
    }
    BridgeNetwork::open(config)?.remove()
}

/// A user-defined network's bridge of any Corten daemon without ports; a daemon that lives makes it again.
fn is_unused(link: &Link, links: &[Link]) -> bool {
    let user_defined = link.group == LINK_GROUP && link.kind == "bridge" && link.name.starts_with("br-");
    user_defined && links.iter().all(|port| port.master != link.index)
}
