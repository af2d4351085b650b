//! A network's bridge: made, repaired, removed.
//!
//! Kernel: a link of kind `bridge` in group [`LINK_GROUP`] with a fixed MAC address, the gateway's
//! addresses, and `route_localnet` on it alone, so that a port published on 127.0.0.1 can be translated.
//! What arrives over it for 127/8 is dropped by the firewall's `protect` chain.

use std::io;
use std::net::IpAddr;

use corten_sys::netlink::address::Address;
use corten_sys::netlink::link::{BridgeRequest, Link, NAME_LIMIT_BYTES};
use corten_sys::netlink::{self, Route};
use corten_sys::sysctl::{self, Family};

use crate::{LINK_GROUP, MacAddress};

/// What a bridge must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeSpecification {
    /// Its name.
    pub name: String,
    /// Its addresses with their prefix lengths in bits: the containers' gateways.
    pub gateways: Vec<(IpAddr, u8)>,
    /// Largest packet in bytes; zero: the kernel's default.
    pub mtu: u32,
    /// Ports on 127.0.0.1 are translated, and rules keep containers from the host's 127/8 then.
    pub translates_loopback: bool,
    /// It is the user's: its other addresses stay.
    pub keeps_addresses: bool,
}

/// A bridge cannot be made right.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The name is empty, too long or has a slash or white space.
    #[error("{0:?} is not a name for a bridge")]
    Name(String),
    /// A link of another kind has the name.
    #[error("existing interface {name} is not a bridge")]
    Foreign {
        /// The name.
        name: String,
        /// Its kind.
        kind: String,
    },
    /// The kernel refused.
    #[error("bridge {name}: {step}: {source}")]
    Kernel {
        /// The bridge.
        name: String,
        /// What was tried.
        step: &'static str,
        /// The kernel's reason.
        source: netlink::Error,
    },
    /// A setting was refused.
    #[error("bridge {name}: setting {key}: {source}")]
    Setting {
        /// The bridge.
        name: String,
        /// The setting.
        key: &'static str,
        /// The reason.
        source: io::Error,
    },
}

/// Makes the bridge, or makes right what is wrong with the one that is there. Returns its number.
///
/// # Errors
/// A link of another kind has its name, or the kernel refuses a step.
pub fn ensure(kernel: &mut Route, wanted: &BridgeSpecification) -> Result<u32, BridgeError> {
    check_name(&wanted.name)?;
    let failed = |step| {
        move |source| BridgeError::Kernel {
            name: wanted.name.clone(),
            step,
            source,
        }
    };
    let link = match kernel.link(&wanted.name).map_err(failed("looking"))? {
        Some(link) => adopt(kernel, link).map_err(failed("adopting"))?,
        None => create(kernel, wanted).map_err(failed("creating"))?,
    };
    if link.kind != "bridge" {
        return Err(BridgeError::Foreign {
            name: link.name,
            kind: link.kind,
        });
    }
    for &(address, prefix) in &wanted.gateways {
        kernel
            .add_address(Address {
                link: link.index,
                address,
                prefix,
            })
            .map_err(failed("adding its address"))?;
    }
    if !wanted.keeps_addresses {
        drop_former(kernel, link.index, wanted).map_err(failed("removing a former address"))?;
    }
    let localnet = if wanted.translates_loopback { "1" } else { "0" };
    set(wanted, Family::V4, "route_localnet", localnet)?;
    set(wanted, Family::V6, "accept_ra", "0")?;
    // else its link-local address is not usable for a second or more after the first container has come, and the
    // kernel cannot ask for a container's hardware address on behalf of others: EHOSTUNREACH
    set(wanted, Family::V6, "accept_dad", "0")?;
    Ok(link.index)
}

/// Removes IPv4 addresses that an earlier configuration gave to the bridge.
fn drop_former(kernel: &mut Route, index: u32, wanted: &BridgeSpecification) -> Result<(), netlink::Error> {
    for found in kernel.addresses()? {
        let known = wanted.gateways.contains(&(found.address, found.prefix));
        if found.link == index && found.address.is_ipv4() && !known {
            kernel.delete_address(found)?;
        }
    }
    Ok(())
}

/// The bridge's IPv4 address and prefix length, if it is there and has one.
///
/// # Errors
/// The kernel refuses.
pub fn gateway4(kernel: &mut Route, name: &str) -> Result<Option<(IpAddr, u8)>, netlink::Error> {
    let Some(link) = kernel.link(name)?.filter(|link| link.kind == "bridge") else {
        return Ok(None);
    };
    let found = kernel
        .addresses()?
        .into_iter()
        .find(|found| found.link == link.index && found.address.is_ipv4());
    Ok(found.map(|found| (found.address, found.prefix)))
}

/// Removes the bridge; that there is none is fine.
///
/// # Errors
/// The kernel refuses.
pub fn remove(kernel: &mut Route, name: &str) -> Result<(), BridgeError> {
    let failed = |source| BridgeError::Kernel {
        name: name.to_owned(),
        step: "removing",
        source,
    };
    kernel.delete_link(name).map(drop).map_err(failed)
}

fn check_name(name: &str) -> Result<(), BridgeError> {
    let wrong = |byte: u8| byte == b'/' || byte == b':' || byte.is_ascii_whitespace() || byte == 0;
    if name.is_empty() || name.len() > NAME_LIMIT_BYTES || name == "." || name == ".." || name.bytes().any(wrong) {
        return Err(BridgeError::Name(name.to_owned()));
    }
    Ok(())
}

fn create(kernel: &mut Route, wanted: &BridgeSpecification) -> Result<Link, netlink::Error> {
    let MacAddress(mac) = MacAddress::random();
    kernel.create_bridge(&BridgeRequest {
        name: &wanted.name,
        mac,
        group: LINK_GROUP,
        mtu: wanted.mtu,
    })?;
    kernel
        .link(&wanted.name)?
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
}

fn adopt(kernel: &mut Route, link: Link) -> Result<Link, netlink::Error> {
    if link.kind == "bridge" {
        if link.group != LINK_GROUP {
            kernel.set_group(link.index, LINK_GROUP)?;
        }
        if !link.up {
            kernel.set_up(link.index)?;
        }
    }
    Ok(link)
}

/// Sets a bridge's setting; that the kernel lacks the family is fine.
fn set(wanted: &BridgeSpecification, family: Family, key: &'static str, value: &str) -> Result<(), BridgeError> {
    match sysctl::set_for_link(family, &wanted.name, key, value) {
        Err(error) if family == Family::V6 && error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| BridgeError::Setting {
            name: wanted.name.clone(),
            key,
            source,
        }),
    }
}
