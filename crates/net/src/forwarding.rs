//! Turns IP forwarding on for the first network that needs it, and keeps closed what was closed before.
//!
//! Kernel: when it was us who turned it on, the table `inet corten_guard`, shared by all Corten daemons
//! of the host, drops forwarded packets that neither come from nor go to one of their bridges (links of
//! group [`LINK_GROUP`]), or one of Docker's, which has rules of its own for them: a Docker that is started
//! later finds forwarding on and would be cut off. The table is the record of who turned forwarding on. Packets that are only
//! bridged, between ports of somebody else's bridge, pass: they were never forwarded.

use std::io;
use std::net::IpAddr;

use corten_sys::netlink::{self, Route};
use corten_sys::nftables::expression::{Meta, Register};
use corten_sys::nftables::{Batch, Chain, Expression, Hook, HookPoint, Netfilter, Verdict};
use corten_sys::sysctl;

use crate::LINK_GROUP;

/// The table that keeps closed what was closed.
pub const GUARD_TABLE: &str = "corten_guard";

/// Forwarding cannot be turned on or off.
#[derive(Debug, thiserror::Error)]
pub enum ForwardingError {
    /// The setting was refused.
    #[error("setting {key}: {source}")]
    Setting {
        /// The setting under `/proc/sys/net`.
        key: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The guard was refused.
    #[error("nftables table {GUARD_TABLE}: {0}")]
    Guard(#[source] netlink::Error),
    /// The links cannot be listed.
    #[error("listing links: {0}")]
    Links(#[source] netlink::Error),
}

/// An IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Version {
    fn key(self) -> &'static str {
        match self {
            Self::V4 => "ipv4/ip_forward",
            Self::V6 => "ipv6/conf/all/forwarding",
        }
    }

    fn chain(self) -> Chain {
        let (name, family) = match self {
            Self::V4 => ("forward4", 2),
            Self::V6 => ("forward6", 10),
        };
        let register = Register(0);
        let equal = |property, value: &[u8]| {
            vec![
                Expression::Meta(property, register),
                Expression::Equal(register, value.to_vec()),
            ]
        };
        let accept = || vec![Expression::End(Verdict::Accept)];
        let group = LINK_GROUP.to_ne_bytes();
        let bridge = b"bridge\0\0\0\0\0\0\0\0\0\0";
        // Bridges called docker0, docker_gwbridge, br-0123456789ab.
        let of_docker = |kind, name, prefix: &[u8]| [equal(kind, bridge), equal(name, prefix), accept()].concat();
        let rules = vec![
            [equal(Meta::InputGroup, &group), accept()].concat(),
            [equal(Meta::OutputGroup, &group), accept()].concat(),
            [
                equal(Meta::InputKind, bridge),
                equal(Meta::OutputKind, bridge),
                accept(),
            ]
            .concat(),
            of_docker(Meta::InputKind, Meta::InputName, b"docker"),
            of_docker(Meta::OutputKind, Meta::OutputName, b"docker"),
            of_docker(Meta::InputKind, Meta::InputName, b"br-"),
            of_docker(Meta::OutputKind, Meta::OutputName, b"br-"),
            [equal(Meta::Family, &[family]), vec![Expression::End(Verdict::Drop)]].concat(),
        ];
        let hook = Some(Hook {
            kind: "filter",
            point: HookPoint::Forward,
            priority: 0,
        });
        Chain {
            name: name.to_owned(),
            hook,
            rules,
        }
    }
}

/// Turns forwarding on unless it is on. Without `keep_closed` the host is a router for everybody then, and stays
/// one: there is no guard that would say that it was us. Says whether it is guarded from now on.
///
/// # Errors
/// The kernel refuses.
pub fn ensure(
    kernel: &mut Route,
    netfilter: &mut Netfilter,
    version: Version,
    keep_closed: bool,
) -> Result<bool, ForwardingError> {
    let failed = |source| ForwardingError::Setting {
        key: version.key(),
        source,
    };
    if sysctl::get(version.key()).map_err(failed)? != "0" {
        return Ok(false);
    }
    if keep_closed {
        guard(netfilter, version)?;
    }
    if version == Version::V6 {
        keep_advertised_routes(kernel)?;
    }
    sysctl::set(version.key(), "1").map_err(failed)?;
    Ok(keep_closed)
}

/// Keeps closed what was closed.
fn guard(netfilter: &mut Netfilter, version: Version) -> Result<(), ForwardingError> {
    let chain = version.chain();
    let mut batch = Batch::new(GUARD_TABLE);
    batch
        .add_table()
        .add_chain(&chain)
        .clear_chain(&chain.name)
        .add_rules(&chain);
    netfilter.commit(batch).map_err(ForwardingError::Guard)
}

/// The versions that are guarded.
///
/// # Errors
/// The kernel refuses.
pub fn guarded(netfilter: &mut Netfilter) -> Result<Vec<Version>, ForwardingError> {
    let chains = netfilter.base_chains().map_err(ForwardingError::Guard)?;
    let has = |version: &Version| {
        let name = version.chain().name;
        chains
            .iter()
            .any(|chain| chain.table == GUARD_TABLE && chain.name == name)
    };
    Ok([Version::V4, Version::V6].into_iter().filter(has).collect())
}

/// Guards these again, where somebody removed the guard and the host still forwards; says whether. Another daemon that
/// shares the table may have been first with a version of its own.
///
/// # Errors
/// The kernel refuses.
pub fn mend(netfilter: &mut Netfilter, versions: &[Version]) -> Result<bool, ForwardingError> {
    if versions.is_empty() {
        return Ok(false);
    }
    let found = guarded(netfilter)?;
    let mut mended = false;
    for &version in versions.iter().filter(|version| !found.contains(version)) {
        let failed = |source| ForwardingError::Setting {
            key: version.key(),
            source,
        };
        if sysctl::get(version.key()).map_err(failed)? != "0" {
            guard(netfilter, version)?;
            mended = true;
        }
    }
    Ok(mended)
}

/// A link that takes routes from router advertisements stops doing so when the host forwards, and the host
/// would lose its way out; the value 2 says: even then. See Documentation/networking/ip-sysctl.
fn keep_advertised_routes(kernel: &mut Route) -> Result<(), ForwardingError> {
    for link in kernel.links().map_err(ForwardingError::Links)? {
        let key = format!("ipv6/conf/{}/accept_ra", link.name);
        if link.group != LINK_GROUP && sysctl::get(&key).is_ok_and(|value| value == "1") {
            let failed = |source| ForwardingError::Setting {
                key: "accept_ra",
                source,
            };
            sysctl::set(&key, "2").map_err(failed)?;
        }
    }
    Ok(())
}

/// Turns IPv6 forwarding off again if a Corten daemon turned it on and no bridge of any has IPv6 any more; says whether.
///
/// # Errors
/// The kernel refuses.
pub fn restore6(kernel: &mut Route, netfilter: &mut Netfilter) -> Result<bool, ForwardingError> {
    let chain = Version::V6.chain();
    let chains = netfilter.base_chains().map_err(ForwardingError::Guard)?;
    let ours = |found: &corten_sys::nftables::BaseChain| found.table == GUARD_TABLE && found.name == chain.name;
    if !chains.iter().any(ours) {
        return Ok(false);
    }
    let links = kernel.links().map_err(ForwardingError::Links)?;
    let addresses = kernel.addresses().map_err(ForwardingError::Links)?;
    let is_bridge = |index| links.iter().any(|link| link.index == index && link.group == LINK_GROUP);
    let routed = |address: IpAddr| matches!(address, IpAddr::V6(six) if !six.is_unicast_link_local());
    if addresses
        .iter()
        .any(|found| routed(found.address) && is_bridge(found.link))
    {
        return Ok(false);
    }
    let failed = |source| ForwardingError::Setting {
        key: Version::V6.key(),
        source,
    };
    sysctl::set(Version::V6.key(), "0").map_err(failed)?;
    let mut batch = Batch::new(GUARD_TABLE);
    let is_other = |found: &corten_sys::nftables::BaseChain| found.table == GUARD_TABLE && found.name != chain.name;
    if chains.iter().any(is_other) {
        batch.clear_chain(&chain.name).delete_chain(&chain.name);
    } else {
        batch.delete_table();
    }
    netfilter.commit(batch).map_err(ForwardingError::Guard)?;
    Ok(true)
}

/// Turns forwarding off again if a Corten daemon turned it on and no bridge of any is left.
///
/// # Errors
/// The kernel refuses.
pub fn restore(kernel: &mut Route, netfilter: &mut Netfilter) -> Result<(), ForwardingError> {
    let links = kernel.links().map_err(ForwardingError::Links)?;
    if links.iter().any(|link| link.group == LINK_GROUP)
        || !netfilter.has_table(GUARD_TABLE).map_err(ForwardingError::Guard)?
    {
        return Ok(());
    }
    let chains = netfilter.base_chains().map_err(ForwardingError::Guard)?;
    for version in [Version::V4, Version::V6] {
        let name = version.chain().name;
        if chains
            .iter()
            .any(|chain| chain.table == GUARD_TABLE && chain.name == name)
        {
            let failed = |source| ForwardingError::Setting {
                key: version.key(),
                source,
            };
            sysctl::set(version.key(), "0").map_err(failed)?;
        }
    }
    let mut batch = Batch::new(GUARD_TABLE);
    batch.delete_table();
    netfilter.commit(batch).map_err(ForwardingError::Guard)
}
