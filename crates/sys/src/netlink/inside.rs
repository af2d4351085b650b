//! What is done inside a container's network namespace: `lo` up, addresses, interfaces up, default
//! routes. Called by a shim whose thread is in that namespace; a handful of system calls.

use std::io;
use std::net::IpAddr;

/// One interface, already there, to configure and bring up.
#[derive(Debug, Clone, Copy)]
pub struct Interface<'a> {
    /// Its name, `eth0`.
    pub name: &'a str,
    /// Addresses with prefix lengths in bits. None of IPv6: IPv6 is switched off on the interface, as Docker does.
    pub addresses: &'a [(IpAddr, u8)],
}

/// Brings `lo` up, configures the interfaces and adds the default routes over the first interface that
/// reaches the gateway. IPv6 addresses are usable at once (no duplicate address detection).
/// With no interfaces it brings `lo` up only (`--network none`).
///
/// # Errors
/// An interface is missing, or the kernel refuses a step.
pub fn configure(
    _interfaces: &[Interface<'_>],
    _gateway4: Option<IpAddr>,
    _gateway6: Option<IpAddr>,
) -> io::Result<()> {
    unimplemented!()
}
