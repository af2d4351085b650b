//! The places that a container has on its networks while it runs: leased before the start, connected when
//! its namespace is there, released at its end. All calls block.

use std::net::IpAddr;
use std::os::fd::{BorrowedFd, OwnedFd};

use corten_api::container::EndpointSettings;
use corten_base::id::hex;
use corten_net::MacAddress;
use corten_net::sandbox::{PublishedPort, Publishing, Sandbox, SandboxRequest};
use corten_shim::protocol::Interface;

use super::effective::Effective;
use super::run::Joined;
use super::way_out::{Candidate, gateways};
use super::wiring::Asked;
use super::{Container, ports};
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};
use crate::network::driver_opts;
use crate::network::place::{self, Place};

/// What was leased.
#[derive(Default)]
pub(crate) struct Leased {
    /// In the order of the interfaces.
    pub(crate) joined: Vec<Joined>,
    /// Reserved host ports, in the order of the only place that has any.
    pub(crate) sockets: Vec<OwnedFd>,
}

/// Leases a place on each network that the container is to be on, and reserves its ports; nothing is kept if
/// one fails.
pub(super) fn lease(core: &Core, container: &Container) -> Result<Leased> {
    if container.effective.config.network_disabled {
        return Ok(Leased::default());
    }
    let wiring = container.wiring();
    let mut wanted = Vec::with_capacity(wiring.len());
    // without a default network, containers that are to be on it have `lo` alone, as with Docker
    let is_missing = |asked: &&Asked| asked.network == "bridge" && core.bridge.is_none();
    for asked in wiring.iter().filter(|asked| !is_missing(asked)) {
        link_local(&asked.settings).map_err(setting_up)?;
        wanted.push((asked, find(core, asked)?));
    }
    wanted.sort_by(|(_, one), (_, other)| one.name().cmp(other.name()));
    let (config, host) = (&container.effective.config, &container.effective.host);
    if let Some(address) = ports::refused(config, host) {
        return Err(setting_up(Error::internal(format!(
            "driver failed programming external connectivity on endpoint {} ({}): error starting userland proxy: failed to \
             listen on {address}: protocol not supported",
            container.name(),
            hex(&random_bytes())
        ))));
    }
    let reserved: Vec<&str> = wiring
        .iter()
        .filter_map(|asked| driver_opts::interface_name(&asked.settings))
        .collect();
    let mut leased = Leased::default();
    for (asked, place) in &wanted {
        let interface = driver_opts::choose_name(&asked.settings, place.interface_prefix(), &leased.joined, &reserved);
        let leasing = interface.map_err(setting_up).and_then(|interface| {
            let wanted = Wanted {
                asked,
                place,
                interface,
            };
            lease_one(core, container, &wanted)
        });
        match leasing {
            Ok(joined) => leased.joined.push(joined),
            Err(error) => {
                abandon(core, container, &leased.joined);
                return Err(error);
            }
        }
    }
    match Allotment::of(container, &[]).allot(core, &mut leased.joined) {
        Ok(allotted) => leased.sockets = allotted.sockets,
        Err(error) => {
            abandon(core, container, &leased.joined);
            return Err(error);
        }
    }
    Ok(leased)
}

/// What the places of a container are to share out among them.
pub(crate) struct Allotment<'a> {
    /// The container's name, for messages.
    pub(crate) name: String,
    /// What it is to publish.
    pub(crate) effective: &'a Effective,
    /// Host ports that its keeper holds.
    pub(crate) held: &'a [PublishedPort],
    /// More may be reserved.
    pub(crate) reserve: bool,
}

impl<'a> Allotment<'a> {
    /// All that a container publishes.
    pub(super) fn of(container: &'a Container, held: &'a [PublishedPort]) -> Self {
        Self {
            name: container.name(),
            effective: &container.effective,
            held,
            reserve: true,
        }
    }

    /// Decides anew what each of a container's places publishes. Nothing of it is in the firewall yet.
    pub(crate) fn allot(&self, core: &Core, joined: &mut [Joined]) -> Result<Allotted> {
        let requests = ports::requests(&self.effective.config, &self.effective.host)?;
        let gateways = gateways(&joined.iter().map(Candidate::of).collect::<Vec<_>>());
        let mut held = self.held.to_vec();
        let mut allotted = Allotted::default();
        for (at, joined) in joined.iter_mut().enumerate() {
            let Some(place) = place::of(core, joined) else { continue };
            let publishing = Publishing {
                ports: &requests,
                hosts: gateways.hosts(at),
                held: &held,
                reserve: self.reserve,
            };
            allotted
                .sockets
                .extend(place.allot(&self.name, &mut joined.sandbox, &publishing)?);
            let had = |port: &&PublishedPort| !held.iter().any(|held| held.is_same_as(port));
            let fresh: Vec<_> = joined.sandbox.ports.iter().filter(had).cloned().collect();
            held.extend(fresh.iter().cloned());
            allotted.ports.extend(fresh);
        }
        Ok(allotted)
    }
}

/// Host ports that a container has got beyond those that it held.
#[derive(Default)]
pub(crate) struct Allotted {
    /// The ports.
    pub(crate) ports: Vec<PublishedPort>,
    /// A socket for each.
    pub(crate) sockets: Vec<OwnedFd>,
}

fn find(core: &Core, asked: &Asked) -> Result<Place> {
    place::find(core, &asked.network).map_err(setting_up)
}

/// What a start says in front.
fn setting_up(error: Error) -> Error {
    Error {
        message: format!("failed to set up container networking: {}", error.message),
        ..error
    }
}

/// A place that is to be leased.
pub(super) struct Wanted<'a> {
    /// What was asked for.
    pub(super) asked: &'a Asked,
    /// The network.
    pub(super) place: &'a Place,
    /// The interface's name.
    pub(super) interface: String,
}

/// Leases a place on one network, without ports.
pub(super) fn lease_one(core: &Core, container: &Container, wanted: &Wanted<'_>) -> Result<Joined> {
    let Wanted {
        asked,
        place,
        interface,
    } = wanted;
    let link_local = link_local(&asked.settings)?;
    let sysctls = driver_opts::sysctls(&asked.settings);
    let sysctls = sysctls.iter().map(|asked| driver_opts::setting(asked, interface));
    let sysctls = sysctls.collect::<Result<_>>()?;
    let (address4, address6) = place::addresses(&asked.settings);
    let request = SandboxRequest {
        container: &container.id,
        name: &container.name(),
        interface,
        address4,
        address6,
        mac: mac(&asked.settings)?,
        without_ipv6: is_without_ipv6(container),
        ports: Publishing::all(&[]),
    };
    let prepared = place.prepare(&request)?;
    let joined = Joined {
        network: place.id().to_owned(),
        name: place.name().to_owned(),
        endpoint: hex(&random_bytes()),
        names: names(core, container, place, &asked.settings),
        priority: asked.settings.gw_priority,
        sysctls,
        sandbox: Sandbox {
            link_local,
            ..prepared.sandbox
        },
    };
    if let Err(error) = place.join(container.id.as_str(), &container.name(), &joined) {
        place.driver().abandon(&joined.sandbox);
        return Err(error);
    }
    Ok(joined)
}

/// Addresses that are not the network's; a text that is none has been refused before.
fn link_local(settings: &EndpointSettings) -> Result<Vec<IpAddr>> {
    let texts = settings.ipam_config.iter().flat_map(|ipam| ipam.link_local_ips.iter());
    let addresses = texts.filter_map(|text| text.parse::<IpAddr>().ok()).map(|address| {
        let fits = match address {
            IpAddr::V4(four) => four.is_link_local(),
            IpAddr::V6(six) => six.is_unicast_link_local(),
        };
        let wrong = || Error::invalid(format!("invalid link local IP address: {address}"));
        fits.then_some(address).ok_or_else(wrong)
    });
    addresses.collect()
}

/// The size of the subnet of an address of [`link_local`], in bits.
fn link_local_prefix(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 16,
        IpAddr::V6(_) => 64,
    }
}

/// Whether the container's settings switch IPv6 off on all its interfaces.
fn is_without_ipv6(container: &Container) -> bool {
    let setting = container.effective.host.sysctls.get("net.ipv6.conf.all.disable_ipv6");
    setting.is_some_and(|value| value.trim() == "1")
}

fn mac(settings: &EndpointSettings) -> Result<Option<MacAddress>> {
    let text = &settings.mac_address;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error: corten_net::mac::ParseMacError| Error::invalid(error.to_string()))
}

/// The names that a network knows a container by; the default one knows none.
fn names(core: &Core, container: &Container, place: &Place, settings: &EndpointSettings) -> Vec<String> {
    if place.id() == core.network_id {
        return Vec::new();
    }
    dns_names(container, settings)
}

/// Its name, its aliases, its short id, its host name (observed: dockerd 28.5).
pub(crate) fn dns_names(container: &Container, settings: &EndpointSettings) -> Vec<String> {
    let mut names = vec![container.name()];
    let more = settings.aliases.iter().map(String::as_str);
    let own = [container.id.short(), container.effective.config.hostname.as_str()];
    for name in more.chain(own) {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Gives back what was leased and not connected.
pub(super) fn abandon(core: &Core, container: &Container, joined: &[Joined]) {
    for joined in joined {
        if let Some(place) = place::of(core, joined) {
            place.driver().abandon(&joined.sandbox);
            place.leave(container.id.as_str());
        }
    }
}

/// Makes the links into the namespace, publishes the ports, tells the names.
pub(super) fn connect(core: &Core, container: &str, joined: &[Joined], namespace: BorrowedFd<'_>) -> Result<()> {
    for joined in joined {
        let place =
            place::of(core, joined).ok_or_else(|| Error::not_found(format!("network {} not found", joined.name)))?;
        place.driver().connect(&joined.sandbox, namespace)?;
        place.tell_names(container, joined)?;
    }
    Ok(())
}

/// Waits until the links carry packets.
pub(super) fn settle(core: &Core, joined: &[Joined]) -> Result<()> {
    for joined in joined {
        if let Some(place) = place::of(core, joined) {
            place.driver().settle(&joined.sandbox)?;
        }
    }
    Ok(())
}

/// Takes everything away: names, ports, connections, links, addresses. Goes on whatever fails, and may be
/// repeated; the first failure is told.
pub(crate) fn release(core: &Core, container: &str, joined: &[Joined]) -> Result<()> {
    let mut result = Ok(());
    for joined in joined.iter().rev() {
        let Some(place) = place::of(core, joined) else { continue };
        place.forget_names(container);
        result = result.and(place.driver().release(&joined.sandbox));
        place.leave(container);
    }
    result
}

/// Tells each network what it knows the container by.
pub(super) fn rename(core: &Core, container: &Container, joined: &[Joined]) -> Result<()> {
    for joined in joined {
        if let Some(place) = place::of(core, joined) {
            place.join(container.id.as_str(), &container.name(), joined)?;
            place.tell_names(container.id.as_str(), joined)?;
        }
    }
    Ok(())
}

/// Takes one place of a container that goes on away.
pub(super) fn disconnect(core: &Core, container: &str, joined: &Joined) -> Result<()> {
    let Some(place) = place::of(core, joined) else {
        return Ok(());
    };
    place.forget_names(container);
    let result = place.driver().disconnect(&joined.sandbox);
    place.leave(container);
    result
}

/// The places keep the ports that they had before an allotment that failed.
pub(super) fn keep_ports(core: &Core, before: &[Joined], after: &[Joined]) {
    for (place, before, after) in stayed(core, before, after) {
        place.driver().keep_ports(&before.sandbox, &after.sandbox);
    }
}

/// Takes ports away from the places that have them no more; [`republish`] comes after it.
pub(super) fn withdraw(core: &Core, before: &[Joined], after: &[Joined]) -> Result<()> {
    for (place, before, after) in stayed(core, before, after) {
        place.driver().withdraw(&before.sandbox, &after.sandbox)?;
    }
    Ok(())
}

/// Has the firewall lead ports to the places that have taken them over, of those that the container had before.
pub(super) fn republish(core: &Core, before: &[Joined], after: &[Joined]) -> Result<()> {
    for (place, before, after) in stayed(core, before, after) {
        place.driver().republish(&before.sandbox, &after.sandbox)?;
    }
    Ok(())
}

fn stayed<'a>(core: &Core, before: &'a [Joined], after: &'a [Joined]) -> Vec<(Place, &'a Joined, &'a Joined)> {
    let same = |joined: &&Joined| before.iter().find(|before| before.endpoint == joined.endpoint);
    let both = after
        .iter()
        .filter_map(|joined| Some((place::of(core, joined)?, same(&joined)?, joined)));
    both.collect()
}

/// What the shim must configure inside.
pub(super) fn interfaces(joined: &[Joined]) -> Vec<Interface> {
    let candidates: Vec<_> = joined.iter().map(Candidate::of).collect();
    let gateways = gateways(&candidates);
    joined
        .iter()
        .enumerate()
        .map(|(at, joined)| {
            let sandbox = &joined.sandbox;
            let four = sandbox.address4.map(|address| (address.into(), sandbox.prefix4));
            let six = sandbox.address6.map(|(address, prefix, _)| (address.into(), prefix));
            let way4 = sandbox.gateway4.filter(|_| gateways.four == Some(at)).map(Into::into);
            let way6 = sandbox.address6.and_then(|(.., gateway)| gateway);
            let way6 = way6.filter(|_| gateways.six == Some(at)).map(Into::into);
            let further = sandbox.link_local.iter();
            let further = further.map(|address| (*address, link_local_prefix(address)));
            Interface {
                name: sandbox.interface.clone(),
                addresses: four.into_iter().chain(six).chain(further).collect(),
                gateways: way4.into_iter().chain(way6).collect(),
                sysctls: joined.sysctls.clone(),
                configured: false,
            }
        })
        .collect()
}
