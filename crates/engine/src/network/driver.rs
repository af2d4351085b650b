//! What carries a network's packets: one enum, so that a container's start does not care.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use corten_net::firewall::plan::{Crossing, Open, Source};
use corten_net::sandbox::{BridgeNetworkConfig, Gateway, PrepareError, Prepared, Sandbox, SandboxRequest};
use corten_net::{BridgeNetwork, HostConfig, MacvlanConfig, MacvlanNetwork, Subnet};
use corten_sys::netlink::link::{Ipvlan, IpvlanFlag, IpvlanMode, MacvlanMode};

use super::options::{BridgeOptions, GatewayMode};
use super::record::{NetworkRecord, SubnetRecord};
use crate::error::{Error, Result};

/// A network's driver.
#[derive(Debug, Clone)]
pub(crate) enum Driver {
    /// A bridge.
    Bridge(Arc<BridgeNetwork>),
    /// One of the host's links.
    Macvlan(Arc<MacvlanNetwork>),
    /// None: the network only holds configuration.
    Nothing,
    /// It could not be set up when the daemon started, for this reason.
    Broken(String),
}

/// A container gets no place.
pub(crate) enum NoPlace {
    /// The network has none for it.
    Refused(PrepareError),
    /// The network itself cannot be used.
    Unusable(Error),
}

impl Driver {
    /// Leases addresses and reserves ports.
    pub(crate) fn prepare(&self, request: &SandboxRequest<'_>) -> Result<Prepared, NoPlace> {
        match self {
            Self::Macvlan(network) => network.prepare(request).map_err(NoPlace::Refused),
            Self::Bridge(_) | Self::Nothing | Self::Broken(_) => {
                let bridge = self.bridge().map_err(NoPlace::Unusable)?;
                bridge.prepare(request).map_err(NoPlace::Refused)
            }
        }
    }

    /// Gives back what was prepared and not connected.
    pub(crate) fn abandon(&self, sandbox: &Sandbox) {
        match self {
            Self::Bridge(bridge) => bridge.abandon(sandbox),
            Self::Macvlan(network) => network.release(sandbox),
            Self::Nothing | Self::Broken(_) => {}
        }
    }

    /// Makes the link and publishes the ports.
    pub(crate) fn connect(&self, sandbox: &Sandbox, namespace: BorrowedFd<'_>) -> Result<()> {
        let connected = match self {
            Self::Macvlan(network) => network.connect(sandbox, namespace),
            Self::Bridge(_) | Self::Nothing | Self::Broken(_) => self.bridge()?.connect(sandbox, namespace),
        };
        connected.map_err(|error| {
            let chain = crate::error::chain(&error);
            let words = chain.split(" (os error").next().unwrap_or_default();
            Error::internal(format!("failed to set up container networking: {words}"))
        })
    }

    /// Waits until the link carries packets.
    pub(crate) fn settle(&self, sandbox: &Sandbox) -> Result<()> {
        match self {
            // the shim has waited for it
            Self::Macvlan(_) => Ok(()),
            Self::Bridge(_) | Self::Nothing | Self::Broken(_) => self
                .bridge()?
                .settle(sandbox)
                .map_err(|error| Error::caused("settle the link", error)),
        }
    }

    /// Takes everything of a container's place away.
    pub(crate) fn release(&self, sandbox: &Sandbox) -> Result<()> {
        match self {
            Self::Bridge(bridge) => bridge
                .release(sandbox)
                .map_err(|error| Error::caused("release the network", error)),
            Self::Macvlan(network) => {
                network.release(sandbox);
                Ok(())
            }
            Self::Nothing | Self::Broken(_) => Ok(()),
        }
    }

    /// As [`Self::release`] for a container that goes on: its link is gone at once.
    pub(crate) fn disconnect(&self, sandbox: &Sandbox) -> Result<()> {
        self.release(sandbox)?;
        match self {
            Self::Bridge(bridge) => bridge.sweep().map_err(|error| Error::caused("delete the link", error)),
            // the shim deletes it
            Self::Macvlan(_) | Self::Nothing | Self::Broken(_) => Ok(()),
        }
    }

    /// The ports of a place stay what they were.
    pub(crate) fn keep_ports(&self, had: &Sandbox, allotted: &Sandbox) {
        match self {
            Self::Bridge(bridge) => bridge.keep_ports(had, allotted),
            Self::Macvlan(_) | Self::Nothing | Self::Broken(_) => {}
        }
    }

    /// Takes ports away that a place of a container publishes no more.
    pub(crate) fn withdraw(&self, before: &Sandbox, after: &Sandbox) -> Result<()> {
        match self {
            Self::Bridge(bridge) => bridge
                .withdraw(before, after)
                .map_err(|error| Error::internal(crate::error::chain(&error))),
            Self::Macvlan(_) | Self::Nothing | Self::Broken(_) => Ok(()),
        }
    }

    /// Publishes ports that a place has taken over.
    pub(crate) fn republish(&self, before: &Sandbox, after: &Sandbox) -> Result<()> {
        match self {
            Self::Bridge(bridge) => bridge
                .republish(before, after)
                .map_err(|error| Error::internal(crate::error::chain(&error))),
            Self::Macvlan(_) | Self::Nothing | Self::Broken(_) => Ok(()),
        }
    }

    /// What an interface on it is called, without its number.
    pub(crate) fn prefix<'r>(&self, record: Option<&'r NetworkRecord>) -> &'r str {
        let given = record.and_then(|record| record.options.get("com.docker.network.container_iface_prefix"));
        given
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .unwrap_or("eth")
    }

    fn bridge(&self) -> Result<&Arc<BridgeNetwork>> {
        match self {
            Self::Bridge(bridge) => Ok(bridge),
            Self::Macvlan(_) => Err(Error::internal("the network has no bridge")),
            Self::Nothing => Err(Error::forbidden("cannot connect to a configuration-only network")),
            Self::Broken(why) => Err(Error::internal(format!(
                "failed to set up container networking: the network could not be set up when the daemon started: {why}"
            ))),
        }
    }
}

/// What the bridge of a network must be like.
pub(super) fn bridge_config(record: &NetworkRecord, shared: &HostConfig) -> Result<BridgeNetworkConfig> {
    let options = BridgeOptions::parse(&record.options)?;
    let gateway_of = |mode, leave_as| gateway_of(&options, mode, leave_as, shared.direct);
    let four = record.subnet(true).filter(|_| record.ipv4);
    let six = record.subnet(false).filter(|_| record.ipv6);
    let gateway = |subnet: Subnet, address: IpAddr| (address, subnet.prefix());
    let gateway4 = four.map(|entry| gateway(entry.subnet, entry.effective_gateway()));
    let gateway6 = six.map(|entry| gateway(entry.subnet, entry.effective_gateway()));
    let reserved = record.subnets.iter().flat_map(|entry| entry.auxiliary.values());
    Ok(BridgeNetworkConfig {
        or_next: false,
        remembered: None,
        existing: false,
        bridge: bridge_name(record, &options),
        table: shared.table.clone(),
        means: shared.means,
        gateway: match gateway4 {
            Some((IpAddr::V4(address), prefix)) => Some((address, prefix)),
            Some(_) | None => None,
        },
        gateway6: match gateway6 {
            Some((IpAddr::V6(address), prefix)) => Some((address, prefix)),
            Some(_) | None => None,
        },
        range: four.and_then(|entry| entry.range),
        range6: six.and_then(|entry| entry.range),
        reserved: reserved.copied().collect(),
        ipv4: four.is_some(),
        internal: record.internal,
        mtu: options.mtu,
        forward: shared.forward,
        keep_closed: shared.keep_closed,
        inter_container: options.inter_container,
        four: with_use(
            Gateway {
                bare: options.inhibit || options.modes.0 == GatewayMode::Isolated,
                ..gateway_of(options.modes.0, options.leave_as.0)
            },
            record,
            four,
        ),
        six: with_use(gateway_of(options.modes.1, options.leave_as.1), record, six),
        trusted: options.trusted.clone(),
        publish_address: options.binding,
        pools: Vec::new(),
    })
}

/// An internal network whose bridge has no address has no gateway, unless the user named one (observed: dockerd 28.5).
fn with_use(gateway: Gateway, record: &NetworkRecord, subnet: Option<&SubnetRecord>) -> Gateway {
    let is_named = subnet.is_some_and(|subnet| subnet.requested && subnet.gateway.is_some());
    Gateway {
        unused: gateway.bare && record.internal && !is_named,
        ..gateway
    }
}

/// How a family's packets cross the gateway of a network with these options.
fn gateway_of(options: &BridgeOptions, mode: GatewayMode, leave_as: Option<IpAddr>, direct: bool) -> Gateway {
    let source = match (mode, leave_as) {
        (GatewayMode::Routed, _) => Source::Own,
        (_, _) if !options.masquerade => Source::Own,
        (_, Some(address)) => Source::Fixed(address),
        (_, None) => Source::Masquerade,
    };
    let open = match mode {
        GatewayMode::Routed => Open::Routed,
        GatewayMode::NatUnprotected => Open::Everything,
        GatewayMode::Nat if direct => Open::Published,
        GatewayMode::Nat | GatewayMode::Isolated => Open::Nothing,
    };
    Gateway {
        crossing: Crossing { source, open },
        routed: mode == GatewayMode::Routed,
        bare: mode == GatewayMode::Isolated,
        unused: false,
    }
}

/// What a macvlan network must be like.
pub(super) fn macvlan_config(record: &NetworkRecord) -> Result<MacvlanConfig> {
    let option = |key: &str| {
        record
            .options
            .get(key)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    };
    let mode = match option("macvlan_mode") {
        None | Some("bridge") => MacvlanMode::Bridge,
        Some("private") => MacvlanMode::Private,
        Some("vepa") => MacvlanMode::Vepa,
        Some("passthru") => MacvlanMode::Passthru,
        Some(mode) => {
            return Err(Error::internal(format!(
                "requested macvlan mode '{mode}' is not valid, 'bridge' mode is the macvlan driver default"
            )));
        }
    };
    let nobody = HostConfig {
        means: corten_net::Means::default(),
        table: String::new(),
        forward: false,
        keep_closed: false,
        direct: false,
    };
    let bridge = bridge_config(record, &nobody)?;
    let has_gateway = option("parent").is_some() && !record.internal;
    let named = |ipv4| {
        record
            .subnet(ipv4)
            .is_some_and(|subnet| subnet.requested && subnet.gateway.is_some())
    };
    let unused = |ipv4| !has_gateway && !named(ipv4);
    Ok(MacvlanConfig {
        parent: option("parent").map(str::to_owned),
        own_link: format!("dm-{}", record.id.get(..12).unwrap_or(&record.id)),
        mode,
        ipvlan: (record.driver == "ipvlan").then(|| ipvlan(&option)).transpose()?,
        gateway4: bridge.gateway,
        unused: (unused(true), unused(false)),
        gateway6: bridge.gateway6,
        ranges: (bridge.range, bridge.range6),
        reserved: bridge.reserved,
        internal: record.internal,
        mtu: bridge.mtu,
    })
}

/// Mode and flag of an ipvlan network.
fn ipvlan<'o>(option: &dyn Fn(&str) -> Option<&'o str>) -> Result<Ipvlan> {
    let mode = match option("ipvlan_mode") {
        None | Some("l2") => IpvlanMode::L2,
        Some("l3") => IpvlanMode::L3,
        Some("l3s") => IpvlanMode::L3s,
        Some(mode) => {
            return Err(Error::internal(format!(
                "requested ipvlan mode '{mode}' is not valid, 'l2' mode is the ipvlan driver default"
            )));
        }
    };
    let flag = match option("ipvlan_flag") {
        None | Some("bridge") => IpvlanFlag::Bridge,
        Some("private") => IpvlanFlag::Private,
        Some("vepa") => IpvlanFlag::Vepa,
        Some(flag) => {
            return Err(Error::internal(format!(
                "requested ipvlan flag '{flag}' is not valid, 'bridge' is the ipvlan driver default"
            )));
        }
    };
    Ok(Ipvlan { mode, flag })
}

/// The bridge's name: the user's, else one after the network's id, as Docker's.
pub(super) fn bridge_name(record: &NetworkRecord, options: &BridgeOptions) -> String {
    let after_id = || format!("br-{}", record.id.get(..12).unwrap_or(&record.id));
    options.name.clone().unwrap_or_else(after_id)
}
