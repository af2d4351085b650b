//! A container's link: a veth pair between a bridge and the container's namespace.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use corten_base::ContainerId;
use corten_sys::netlink::link::{PortMode, VethRequest};
use corten_sys::netlink::{self, Route};
use corten_sys::sysctl;

use crate::{MacAddress, RETIRED_GROUP};

/// How many digits of the container's id are in the name of its link's host end.
const ID_DIGITS: usize = 6;
/// How many random digits follow.
const RANDOM_DIGITS: usize = 5;
const LINK_PREFIX: &str = "veth";

/// A link to make.
#[derive(Debug, Clone, Copy)]
pub struct EndpointRequest<'a> {
    /// Name of the host's end, from [`host_name`].
    pub host_name: &'a str,
    /// Number of the bridge.
    pub bridge: u32,
    /// The container's namespace.
    pub namespace: BorrowedFd<'a>,
    /// Name of the container's end, `eth0`.
    pub container_name: &'a str,
    /// MAC address of the container's end.
    pub mac: MacAddress,
    /// Addresses that the container will have and whose former owner, if any, had another MAC address.
    pub replaced: &'a [IpAddr],
    /// Largest packet in bytes; zero: the kernel's default.
    pub mtu: u32,
    /// What the bridge must know of the port.
    pub port: Port,
}

/// What the bridge must know of a container's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The container has published ports, which it may use itself.
    pub published: bool,
    /// The container must not reach its neighbours.
    pub isolated: bool,
}

/// A new name for the host's end of a container's link: it tells the container, and differs each time,
/// since the container's former link may still be there for a moment.
#[must_use]
pub fn host_name(container: &ContainerId) -> String {
    let random = RandomState::new().hash_one(0) & 0xf_ffff;
    format!(
        "{LINK_PREFIX}{}{random:0RANDOM_DIGITS$x}",
        &container.as_str()[..ID_DIGITS]
    )
}

/// Whether a link's name is one that [`host_name`] gives: others may have ports on our bridge too.
#[must_use]
pub fn is_host_name(name: &str) -> bool {
    let digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.strip_prefix(LINK_PREFIX)
        .is_some_and(|rest| rest.len() == ID_DIGITS + RANDOM_DIGITS && rest.bytes().all(digit))
}

/// Makes the link: the container's end is down and without addresses, which its shim sets.
///
/// # Errors
/// The kernel refuses; nothing is left.
pub fn attach(kernel: &mut Route, request: &EndpointRequest<'_>) -> Result<(), netlink::Error> {
    kernel.create_veth(&VethRequest {
        name: request.host_name,
        bridge: Some(request.bridge),
        peer_name: request.container_name,
        peer_mac: request.mac.0,
        peer_namespace: request.namespace,
        mtu: request.mtu,
    })?;
    finish(kernel, request).inspect_err(|_| drop(kernel.delete_link(request.host_name)))
}

/// Takes the link out of service by the name of its host's end; that there is none is fine. It is deleted
/// with its namespace, or by [`sweep`]: deleting it at once would wait some 20 ms for the kernel.
///
/// # Errors
/// The kernel refuses.
pub fn retire(kernel: &mut Route, host_name: &str) -> Result<(), netlink::Error> {
    kernel.retire_port(host_name, RETIRED_GROUP).map(drop)
}

/// Deletes the retired links that are still there, all at once.
///
/// # Errors
/// The kernel refuses.
pub fn sweep(kernel: &mut Route) -> Result<(), netlink::Error> {
    kernel.delete_group(RETIRED_GROUP).map(drop)
}

fn finish(kernel: &mut Route, request: &EndpointRequest<'_>) -> Result<(), netlink::Error> {
    if let Some(port) = kernel.link(request.host_name)? {
        kernel.pin_forwarding(port.index, request.mac.0)?;
    }
    for &address in request.replaced {
        kernel.set_neighbour(request.bridge, address, request.mac.0)?;
    }
    // A bridged packet that is sent back to its own container must leave by the port it came in by;
    // this happens only where bridges call the IP firewall.
    let hairpin = request.port.published && bridges_call_firewall();
    if hairpin || request.port.isolated {
        kernel.set_port_mode(
            request.host_name,
            PortMode {
                hairpin,
                isolated: request.port.isolated,
            },
        )?;
    }
    Ok(())
}

fn bridges_call_firewall() -> bool {
    sysctl::get("bridge/bridge-nf-call-iptables").is_ok_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ours_and_new_each_time() {
        let container = ContainerId::from_random([0xab; 32]);
        let (one, two) = (host_name(&container), host_name(&container));
        assert!(
            is_host_name(&one) && one.starts_with("vethababab") && one.len() == 15,
            "{one}"
        );
        assert_ne!(one, two);
        for foreign in [
            "veth0",
            "veth1234567",
            "vethABABAB00000",
            "eth0",
            "vethababab000000",
            "",
        ] {
            assert!(!is_host_name(foreign), "{foreign}");
        }
    }
}
