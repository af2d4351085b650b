//! What is done inside a container's network namespace: `lo` up, addresses, interfaces up, default
//! routes. Called by a shim whose thread is in that namespace; a handful of system calls.

use std::io;
use std::net::IpAddr;

use super::address::{self, Address};
use super::message::Messages;
use super::{Route, link, route};
use crate::sysctl;

/// The loopback link has this number in every namespace.
const LOOPBACK: u32 = 1;

/// One interface, already there, to configure and bring up.
#[derive(Debug, Clone, Copy)]
pub struct Interface<'a> {
    /// Its name, `eth0`.
    pub name: &'a str,
    /// Addresses with prefix lengths in bits. None of IPv6: IPv6 is switched off on the interface, as Docker does.
    pub addresses: &'a [(IpAddr, u8)],
    /// Settings of its own, made when it has its addresses and before it is up: files below `/proc/sys/net`, and values.
    pub sysctls: &'a [(String, String)],
}

/// A default route.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The interface's name.
    pub over: &'a str,
    /// The gateway.
    pub gateway: IpAddr,
}

/// [`configure_all`] with the default routes over the first interface.
///
/// # Errors
/// An interface is missing, or the kernel refuses a step.
pub fn configure(interfaces: &[Interface<'_>], gateway4: Option<IpAddr>, gateway6: Option<IpAddr>) -> io::Result<()> {
    let gateways = gateway4.into_iter().chain(gateway6);
    let ways: Vec<_> = interfaces
        .first()
        .into_iter()
        .flat_map(|first| {
            gateways.clone().map(|gateway| Way {
                over: first.name,
                gateway,
            })
        })
        .collect();
    configure_all(interfaces, &ways)
}

/// Brings `lo` up, configures the interfaces and sets the default routes in place of former ones.
/// IPv6 addresses are usable at once (no duplicate address detection), and so are the interfaces: it
/// waits until they can send. With no interfaces it brings `lo` up only (`--network none`).
///
/// # Errors
/// An interface is missing, or the kernel refuses a step.
pub fn configure_all(interfaces: &[Interface<'_>], ways: &[Way<'_>]) -> io::Result<()> {
    let mut kernel = Route::open()?;
    let mut messages = Messages::new();
    link::push_up(&mut messages, LOOPBACK);
    let mut known = Vec::with_capacity(interfaces.len());
    for interface in interfaces {
        let index = index_of(&mut kernel, interface.name)?;
        known.push((interface.name, index));
        switch_ipv6(interface)?;
        for &(address, prefix) in interface.addresses {
            address::push(
                &mut messages,
                Address {
                    link: index,
                    address,
                    prefix,
                },
            );
        }
        if !interface.sysctls.is_empty() {
            kernel
                .socket
                .execute(std::mem::replace(&mut messages, Messages::new()))?;
            interface
                .sysctls
                .iter()
                .try_for_each(|(key, value)| adjust(key, value))?;
        }
        link::push_up(&mut messages, index);
    }
    for way in ways {
        let index = match known.iter().find(|(name, _)| *name == way.over) {
            Some((_, index)) => *index,
            None => index_of(&mut kernel, way.over)?,
        };
        route::push_default(&mut messages, way.gateway, index);
    }
    kernel.socket.execute(messages)?;
    interfaces
        .iter()
        .try_for_each(|interface| settle(&mut kernel, interface.name))
}

/// Waits until an interface can send. One over a link of the host that cannot send itself (`macvlan`, `ipvlan`) may be
/// that for ever, and a container starts all the same.
fn settle(kernel: &mut Route, name: &str) -> io::Result<()> {
    match kernel.settle(name) {
        Err(error) if error.is(libc::ETIMEDOUT) => {
            let link = kernel.link(name)?;
            if link.is_some_and(|link| link.kind != "veth") {
                return Ok(());
            }
            Err(error.into())
        }
        result => Ok(result?),
    }
}

/// Deletes interfaces; that they are not there is fine.
///
/// # Errors
/// The kernel refuses.
pub fn delete(names: &[String]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut kernel = Route::open()?;
    names.iter().try_for_each(|name| kernel.delete_link(name).map(drop))?;
    Ok(())
}

fn index_of(kernel: &mut Route, name: &str) -> io::Result<u32> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("interface {name} is not there"));
    Ok(kernel.link(name)?.ok_or_else(missing)?.index)
}

/// Makes a setting, if it is not so already: where all of them are read-only that is no harm.
fn adjust(key: &str, value: &str) -> io::Result<()> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("/proc/sys/net/{key}: {error}"));
    if sysctl::get(key).map_err(failed)? == value {
        return Ok(());
    }
    sysctl::set(key, value).map_err(failed)
}

/// Switches IPv6 off on an interface that has no IPv6 address, link-local ones included.
fn switch_ipv6(interface: &Interface<'_>) -> io::Result<()> {
    if interface.addresses.iter().any(|(address, _)| address.is_ipv6()) {
        return Ok(());
    }
    match sysctl::set_for_link(sysctl::Family::V6, interface.name, "disable_ipv6", "1") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()), // a kernel without IPv6
        result => result,
    }
}
