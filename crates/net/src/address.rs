//! What of the address space the host uses already.

use corten_sys::netlink::{self, Route};

use crate::Subnet;

/// The subnets of the host's addresses and routes, those on the link with number `except` left out, and
/// default routes too.
///
/// # Errors
/// The kernel refuses.
pub fn occupied(kernel: &mut Route, except: u32) -> Result<Vec<Subnet>, netlink::Error> {
    let addresses = kernel.addresses()?.into_iter().filter(|address| address.link != except);
    let mut occupied: Vec<_> = addresses
        .map(|address| Subnet::new(address.address, address.prefix))
        .collect();
    let routes = kernel.routes()?.into_iter().filter(|route| route.link != except);
    let destinations = routes
        .filter_map(|route| route.destination)
        .filter(|&(_, prefix)| prefix > 0);
    occupied.extend(destinations.map(|(address, prefix)| Subnet::new(address, prefix)));
    Ok(occupied)
}
