//! The inside of the container's network: its links, its way out, its names and its ports.

use std::os::fd::OwnedFd;

use corten_sys::netlink::inside::{self, Way};

use super::request::{internal, invalid, not_running};
use super::{Keeper, Stage};
use crate::protocol::{Dns, Failure, Interface, NetworkSetup, Reply, Target};

impl Keeper {
    pub(super) fn set_up_network(
        &mut self,
        setup: NetworkSetup,
        mut descriptors: Vec<OwnedFd>,
    ) -> Result<Reply, Failure> {
        if !matches!(self.stage, Stage::Created { .. }) {
            return Err(invalid("the network is set up between creation and start".to_owned()));
        }
        let host = host_namespace(setup.dns.as_ref(), &mut descriptors);
        let result = self
            .configure_interfaces(&setup.interfaces)
            .and_then(|()| self.hold_ports(&setup.ports, descriptors))
            .and_then(|()| setup.dns.map_or(Ok(()), |dns| self.set_up_names(dns, host)));
        if result.is_err() {
            self.undo();
        }
        result.map(|()| Reply::Done)
    }

    pub(super) fn rewire(&mut self, setup: NetworkSetup, mut descriptors: Vec<OwnedFd>) -> Result<Reply, Failure> {
        if !matches!(self.stage, Stage::Running) {
            return Err(not_running(&Target::Container));
        }
        let host = host_namespace(setup.dns.as_ref(), &mut descriptors);
        inside::delete(&setup.gone).map_err(|error| internal(format!("cannot delete an interface: {error}")))?;
        self.configure_interfaces(&setup.interfaces)?;
        self.ports.retarget(&setup.ports);
        let fresh = setup.ports.len().saturating_sub(setup.fresh_ports);
        self.hold_ports(setup.ports.get(fresh..).unwrap_or_default(), descriptors)?;
        if let Some(dns) = setup.dns {
            self.set_up_names(dns, host)?;
        }
        Ok(Reply::Done)
    }

    pub(super) fn configure_interfaces(&mut self, interfaces: &[Interface]) -> Result<(), Failure> {
        let fresh = interfaces.iter().filter(|interface| !interface.configured);
        let fresh: Vec<_> = fresh
            .map(|to| inside::Interface {
                name: &to.name,
                addresses: &to.addresses,
                sysctls: &to.sysctls,
            })
            .collect();
        let ways: Vec<_> = interfaces
            .iter()
            .flat_map(|over| over.gateways.iter().map(move |&gateway| (over, gateway)))
            .map(|(over, gateway)| Way {
                over: &over.name,
                gateway,
            })
            .collect();
        let loopback_down = self.container.as_mut().map(|container| &mut container.loopback_down);
        if fresh.is_empty() && ways.is_empty() && loopback_down.as_deref() != Some(&true) {
            return Ok(());
        }
        inside::configure_all(&fresh, &ways)
            .map_err(|error| internal(format!("cannot configure the network: {error}")))?;
        if let Some(down) = loopback_down {
            *down = false;
        }
        Ok(())
    }
}

/// The last descriptor, if servers are asked from the host.
fn host_namespace(dns: Option<&Dns>, descriptors: &mut Vec<OwnedFd>) -> Option<OwnedFd> {
    let is_needed = dns.is_some_and(|dns| dns.servers.iter().any(|server| server.from_host));
    is_needed.then(|| descriptors.pop()).flatten()
}
