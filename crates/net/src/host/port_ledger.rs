//! Which container has which host port: to name it when another one wants the same.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use corten_base::ContainerId;

use crate::port::{Protocol, ReserveError};
use crate::sandbox::{PortRequest, Sandbox};

/// The published ports of all containers.
#[derive(Debug, Default)]
pub(crate) struct PortLedger {
    owners: Mutex<BTreeMap<(Protocol, SocketAddr), ContainerId>>,
}

impl PortLedger {
    pub(crate) fn enter(&self, sandbox: &Sandbox) {
        let ports = sandbox.ports.iter();
        self.owners()
            .extend(ports.map(|port| ((port.protocol, port.host), sandbox.container.clone())));
    }

    pub(crate) fn leave(&self, sandbox: &Sandbox) {
        let mut owners = self.owners();
        for port in &sandbox.ports {
            let key = (port.protocol, port.host);
            if owners.get(&key) == Some(&sandbox.container) {
                owners.remove(&key);
            }
        }
    }

    /// Docker's text when it is a container of ours that has the only number asked for.
    pub(crate) fn allocated(&self, port: &PortRequest, addresses: &[IpAddr]) -> Option<ReserveError> {
        let number = port
            .host_port
            .as_ref()
            .filter(|range| range.start() == range.end())
            .map(|range| *range.start())?;
        let owners = self.owners();
        let taken = |wanted: IpAddr| {
            let mut taken = owners.iter().filter(|((protocol, host), _)| {
                *protocol == port.protocol && host.port() == number && conflict(wanted, host.ip())
            });
            taken
                .next()
                .map(|((_, host), container)| (shared(wanted, host.ip()), container))
        };
        let (address, container) = addresses.iter().find_map(|&wanted| taken(wanted))?;
        Some(ReserveError::Allocated {
            host: format!("{address}:{number}"),
            container: container.short().to_owned(),
        })
    }

    fn owners(&self) -> MutexGuard<'_, BTreeMap<(Protocol, SocketAddr), ContainerId>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Docker's text when ports of one request clash with each other: `earlier` has the only number asked for.
pub(crate) fn twice<'a>(
    port: &PortRequest,
    addresses: &[IpAddr],
    mut earlier: impl Iterator<Item = (Protocol, &'a SocketAddr)>,
) -> Option<ReserveError> {
    let range = port.host_port.as_ref().filter(|range| range.start() == range.end())?;
    earlier.find_map(|(protocol, host)| {
        let same = protocol == port.protocol && host.port() == *range.start();
        let wanted = addresses.iter().find(|&&wanted| same && conflict(wanted, host.ip()))?;
        Some(ReserveError::Twice {
            host: format!("{}:{}", shared(*wanted, host.ip()), host.port()),
        })
    })
}

/// Which of two addresses that clash is named: the one that covers the other.
fn shared(wanted: IpAddr, held: IpAddr) -> IpAddr {
    if held.is_unspecified() { held } else { wanted }
}

/// Whether two host addresses cannot have the same port.
fn conflict(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn clashes_are_named_as_docker_names_them() {
        let owner = ContainerId::from_random([7; 32]);
        let both = &["0.0.0.0", "::"][..];
        for (held, wanted, named) in [
            (both, both, Some("0.0.0.0:8081")),
            (both, &["127.0.0.1"], Some("0.0.0.0:8081")),
            (both, &["::1"], Some(":::8081")),
            (&["127.0.0.1"], both, Some("0.0.0.0:8081")),
            (&["127.0.0.1"], &["127.0.0.1"], Some("127.0.0.1:8081")),
            (&["127.0.0.1"], &["127.0.0.2"], None),
            (&["::1"], both, Some(":::8081")),
        ] {
            let hosts: Vec<SocketAddr> = addresses(held)
                .into_iter()
                .map(|ip| SocketAddr::new(ip, 8081))
                .collect();
            let port = PortRequest {
                protocol: Protocol::Tcp,
                container_port: 80,
                host_ip: None,
                host_port: Some(8081..=8081),
            };
            let ledger = PortLedger::default();
            ledger
                .owners()
                .extend(hosts.iter().map(|host| ((Protocol::Tcp, *host), owner.clone())));
            let wanted = addresses(wanted);
            let expected = named.map(|host| format!("Bind for {host} failed: port is already allocated"));
            let earlier = || hosts.iter().map(|host| (Protocol::Tcp, host));
            let found = [ledger.allocated(&port, &wanted), twice(&port, &wanted, earlier())];
            for error in found.map(|error| error.map(|error| error.to_string())) {
                match (&error, &expected) {
                    (Some(error), Some(expected)) => assert!(error.starts_with(expected), "{error}"),
                    (error, expected) => assert_eq!(error, expected, "{held:?} {wanted:?}"),
                }
            }
            let other = PortRequest {
                host_port: Some(8082..=8082),
                ..port
            };
            assert!(twice(&other, &wanted, earlier()).is_none());
        }
    }
}
