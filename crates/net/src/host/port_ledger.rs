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
        let mut taken = owners
            .iter()
            .filter(|((protocol, host), _)| *protocol == port.protocol && host.port() == number);
        let container = taken
            .find(|((_, host), _)| addresses.iter().any(|&wanted| conflict(wanted, host.ip())))?
            .1;
        let host = format!("{}:{number}", addresses.last()?);
        Some(ReserveError::Allocated {
            host,
            container: container.short().to_owned(),
        })
    }

    fn owners(&self) -> MutexGuard<'_, BTreeMap<(Protocol, SocketAddr), ContainerId>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two host addresses cannot have the same port.
fn conflict(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified())
}
