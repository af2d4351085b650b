//! What a daemon leaves in the kernel for the next one, removed for good.

use corten_sys::netlink::{self, Route};
use corten_sys::nftables::Netfilter;

use crate::network::OpenError;
use crate::sandbox::BridgeNetworkConfig;
use crate::{BridgeNetwork, LINK_GROUP};

/// Removes the bridge and the table of a daemon with these settings that has ended, and turns forwarding off
/// if it was us who turned it on; fine if nothing is there. No container may run.
///
/// # Errors
/// A daemon lives that has them, or the kernel refuses a step.
pub fn remove_network(config: BridgeNetworkConfig) -> Result<(), OpenError> {
    let mut route = Route::open().map_err(netlink::Error::from)?;
    let bridge = route.link(&config.bridge)?;
    let mut netfilter = Netfilter::open().map_err(netlink::Error::from)?;
    if bridge.is_none_or(|link| link.group != LINK_GROUP) && !netfilter.has_table(&config.table)? {
        return Ok(());
    }
    BridgeNetwork::open(config)?.remove()
}
