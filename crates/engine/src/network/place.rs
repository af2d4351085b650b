//! A network that containers can be put on: the default one or a user's, by one interface.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use corten_api::container::EndpointSettings;
use corten_net::ipam::LeaseError;
use corten_net::sandbox::{PrepareError, Prepared, Publishing, Sandbox, SandboxRequest};

use super::driver::{Driver, NoPlace};
use super::driver_opts;
use super::record::NetworkRecord;
use super::registry::{Network, entry};
use crate::container::run::Joined;
use crate::core::Core;
use crate::error::{Error, Result};

/// One network.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// The default bridge; its id.
    Default(String, Driver),
    /// A user-defined one.
    User(Arc<Network>),
}

/// The network that `reference` means, by name, id, or unique prefix of an id.
pub(crate) fn find(core: &Core, reference: &str) -> Result<Place> {
    if matches!(reference, "" | "default" | "bridge") || reference == core.network_id {
        return default(core).ok_or_else(|| Error::not_found("network bridge not found"));
    }
    core.networks.find(reference).map(Place::User)
}

/// The network of a run's record.
pub(crate) fn of(core: &Core, joined: &Joined) -> Option<Place> {
    if joined.network.is_empty() || joined.network == core.network_id {
        return default(core);
    }
    core.networks.by_id(&joined.network).map(Place::User)
}

fn default(core: &Core) -> Option<Place> {
    let bridge = core.bridge.as_ref()?;
    Some(Place::Default(
        core.network_id.clone(),
        Driver::Bridge(Arc::clone(bridge)),
    ))
}

impl Place {
    /// Full id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Default(id, _) => id,
            Self::User(network) => &network.record.id,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Default(..) => "bridge",
            Self::User(network) => &network.record.name,
        }
    }

    /// What carries its packets.
    pub(crate) fn driver(&self) -> &Driver {
        match self {
            Self::Default(_, driver) => driver,
            Self::User(network) => &network.driver,
        }
    }

    /// The driver's name.
    pub(crate) fn driver_name(&self) -> &str {
        match self {
            Self::Default(..) => "bridge",
            Self::User(network) => &network.record.driver,
        }
    }

    /// Leases addresses and reserves ports.
    pub(crate) fn prepare(&self, request: &SandboxRequest<'_>) -> Result<Prepared> {
        self.driver().prepare(request).map_err(|error| match error {
            NoPlace::Refused(PrepareError::Lease(LeaseError::Exhausted { family, .. })) => Error::internal(format!(
                "failed to set up container networking: no available {family} addresses on this network's address pools: {} ({})",
                self.name(),
                self.id()
            )),
            NoPlace::Refused(error) => Error::internal(error.to_string()),
            NoPlace::Unusable(error) => error,
        })
    }

    /// Decides anew what a container's place here publishes; a socket for each port that it did not hold.
    pub(crate) fn allot(&self, name: &str, sandbox: &mut Sandbox, publishing: &Publishing<'_>) -> Result<Vec<OwnedFd>> {
        match self.driver() {
            Driver::Bridge(bridge) => bridge
                .allot(name, sandbox, publishing)
                .map_err(|error| Error::internal(error.to_string())),
            Driver::Macvlan(_) | Driver::Nothing | Driver::Broken(_) => Ok(Vec::new()),
        }
    }

    /// What a container's interface on it is called, without the number.
    pub(crate) fn interface_prefix(&self) -> &str {
        match self {
            Self::Default(_, driver) => driver.prefix(None),
            Self::User(network) => network.driver.prefix(Some(&network.record)),
        }
    }

    /// The file that knows its containers' names; the default network has none.
    pub(crate) fn name_table(&self) -> Option<&Path> {
        match self {
            Self::Default(..) => None,
            Self::User(network) => Some(network.names.path()),
        }
    }

    /// A container has got a place here.
    pub(crate) fn join(&self, container: &str, name: &str, joined: &Joined) -> Result<()> {
        match self {
            Self::Default(..) => Ok(()),
            Self::User(network) => network.join(container, name, joined),
        }
    }

    /// Makes a container's names known.
    pub(crate) fn tell_names(&self, container: &str, joined: &Joined) -> Result<()> {
        match self {
            Self::Default(..) => Ok(()),
            Self::User(network) => network
                .names
                .add(entry(container, joined))
                .map_err(|error| Error::caused("tell the container's name to its network", error)),
        }
    }

    /// Takes a container's names back.
    pub(crate) fn forget_names(&self, container: &str) {
        if let Self::User(network) = self
            && let Err(error) = network.names.remove(container)
        {
            tracing::error!(network = network.record.name, %error, "a name is not taken back");
        }
    }

    /// A container has gone.
    pub(crate) fn leave(&self, container: &str) {
        if let Self::User(network) = self {
            network.leave(container);
        }
    }

    /// What is wrong with what a container asks for here, in Docker's words.
    pub(crate) fn check(&self, settings: &EndpointSettings) -> Result<()> {
        let mut failures = match self {
            Self::Default(..) => check_default(settings),
            Self::User(network) => check_user(&network.record, settings),
        };
        failures.extend(misread_link_local(settings));
        failures.extend(driver_opts::check_sysctls(settings).into_iter().map(Cow::from));
        match failures.as_slice() {
            [] => Ok(()),
            failures => Err(Error::invalid(format!(
                "invalid endpoint settings:\n{}",
                super::listed(failures)
            ))),
        }
    }
}

const NO_STATIC: &str =
    "user specified IP address is supported only when connecting to networks with user configured subnets";

/// The addresses asked for, IPv4 and IPv6.
pub(crate) fn addresses(settings: &EndpointSettings) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
    match &settings.ipam_config {
        Some(ipam) => (ipam.ipv4_address.parse().ok(), ipam.ipv6_address.parse().ok()),
        None => (None, None),
    }
}

fn wanted(settings: &EndpointSettings) -> Vec<(&str, bool)> {
    let Some(ipam) = &settings.ipam_config else {
        return Vec::new();
    };
    let both = [(ipam.ipv4_address.as_str(), true), (ipam.ipv6_address.as_str(), false)];
    both.into_iter().filter(|(text, _)| !text.is_empty()).collect()
}

fn check_default(settings: &EndpointSettings) -> Vec<Cow<'static, str>> {
    let mut failures: Vec<Cow<'static, str>> = Vec::new();
    let wanted = wanted(settings);
    if !wanted.is_empty() {
        failures.push("user specified IP address is supported on user defined networks only".into());
    }
    for (text, ipv4) in wanted {
        failures.extend(misread(text, ipv4));
        failures.push(NO_STATIC.into());
    }
    if !settings.aliases.is_empty() {
        failures.push("network-scoped alias is supported only for containers in user defined networks".into());
    }
    failures
}

/// The address, if it is one of the family.
fn address_of(text: &str, ipv4: bool) -> Option<std::net::IpAddr> {
    text.parse::<std::net::IpAddr>()
        .ok()
        .filter(|address| address.is_ipv4() == ipv4)
}

fn misread(text: &str, ipv4: bool) -> Option<Cow<'static, str>> {
    let family = if ipv4 { "IPv4" } else { "IPv6" };
    match address_of(text, ipv4) {
        Some(_) => None,
        None => Some(format!("invalid {family} address: {text}").into()),
    }
}

fn misread_link_local(settings: &EndpointSettings) -> Vec<Cow<'static, str>> {
    let texts = settings.ipam_config.iter().flat_map(|ipam| ipam.link_local_ips.iter());
    let wrong = texts.filter(|text| text.parse::<std::net::IpAddr>().is_err());
    wrong
        .map(|text| format!("invalid link-local IP address: {text}").into())
        .collect()
}

fn check_user(record: &NetworkRecord, settings: &EndpointSettings) -> Vec<Cow<'static, str>> {
    let mut failures: Vec<Cow<'static, str>> = Vec::new();
    for (text, ipv4) in wanted(settings) {
        let address = address_of(text, ipv4);
        failures.extend(misread(text, ipv4));
        let Some(subnet) = record.subnet(ipv4).filter(|subnet| subnet.requested) else {
            failures.push(NO_STATIC.into());
            continue;
        };
        if !address.is_some_and(|address| subnet.subnet.contains(address)) {
            failures.push(format!("no configured subnet or ip-range contain the IP address {text}").into());
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use corten_api::container::EndpointIpamConfig;

    use super::*;
    use crate::network::record::SubnetRecord;

    fn settings(ipv4: &str) -> EndpointSettings {
        EndpointSettings {
            ipam_config: Some(EndpointIpamConfig {
                ipv4_address: ipv4.to_owned(),
                ..EndpointIpamConfig::default()
            }),
            ..EndpointSettings::default()
        }
    }

    #[test]
    fn static_addresses_need_a_chosen_subnet() {
        let mut record = NetworkRecord {
            subnets: vec![SubnetRecord {
                subnet: "192.168.23.0/24".parse().unwrap(),
                requested: false,
                range: None,
                gateway: None,
                auxiliary: std::collections::BTreeMap::new(),
            }],
            ..NetworkRecord::default()
        };
        assert_eq!(check_user(&record, &settings("192.168.23.5")), [NO_STATIC]);
        record.subnets[0].requested = true;
        assert!(check_user(&record, &settings("192.168.23.5")).is_empty());
        assert_eq!(
            check_user(&record, &settings("192.168.99.1")),
            ["no configured subnet or ip-range contain the IP address 192.168.99.1"]
        );
        assert_eq!(
            check_user(&record, &settings("fd00::1")),
            [
                "invalid IPv4 address: fd00::1",
                "no configured subnet or ip-range contain the IP address fd00::1"
            ]
        );
        assert_eq!(check_default(&settings("172.17.0.9")).len(), 2);
        assert_eq!(
            check_default(&settings("foo")),
            [
                "user specified IP address is supported on user defined networks only",
                "invalid IPv4 address: foo",
                NO_STATIC
            ]
        );
        assert!(check_default(&EndpointSettings::default()).is_empty());
    }
}
