//! The addresses of one network: who gets which, and what is kept from everybody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{MutexGuard, PoisonError};

use super::BridgeNetwork;
use crate::Subnet;
use crate::endpoint;
use crate::ipam::{LeaseError, Leases};
use crate::sandbox::{Sandbox, SandboxRequest};

/// The tables of both families.
#[derive(Debug)]
pub(crate) struct Pools {
    four: Option<Leases>,
    six: Option<Leases>,
}

impl Pools {
    pub(crate) fn new(
        gateway4: Option<(Ipv4Addr, u8)>,
        gateway6: Option<(Ipv6Addr, u8)>,
        (range4, range6): (Option<Subnet>, Option<Subnet>),
        (unused4, unused6): (bool, bool),
        reserved: &[IpAddr],
    ) -> Self {
        let leases = |address: IpAddr, prefix, range, unused: bool| {
            let mut leases = Leases::new(Subnet::new(address, prefix), range, Some(address).filter(|_| !unused));
            for &reserved in reserved {
                // another family's, or reserved twice
                drop(leases.lease_static(reserved));
            }
            leases
        };
        Self {
            four: gateway4.map(|(address, prefix)| leases(IpAddr::V4(address), prefix, range4, unused4)),
            six: gateway6.map(|(address, prefix)| leases(IpAddr::V6(address), prefix, range6, unused6)),
        }
    }

    pub(crate) fn release(&mut self, sandbox: &Sandbox) {
        if let (Some(leases), Some(address)) = (&mut self.four, sandbox.address4) {
            leases.release(IpAddr::V4(address));
        }
        if let (Some(leases), Some((address, _, _))) = (&mut self.six, sandbox.address6) {
            leases.release(IpAddr::V6(address));
        }
    }

    /// Takes over the addresses of a container that runs.
    pub(crate) fn adopt(&mut self, sandbox: &Sandbox) {
        // taken already: the engine recovers twice, or two records claim it and both keep it
        if let (Some(leases), Some(address)) = (&mut self.four, sandbox.address4) {
            drop(leases.lease_static(IpAddr::V4(address)));
        }
        if let (Some(leases), Some((address, _, _))) = (&mut self.six, sandbox.address6) {
            drop(leases.lease_static(IpAddr::V6(address)));
        }
    }

    pub(crate) fn take(
        &mut self,
        request: &SandboxRequest<'_>,
    ) -> Result<(Option<Ipv4Addr>, Option<Ipv6Addr>), LeaseError> {
        let four = take_one(&mut self.four, request.address4.map(IpAddr::V4))?;
        let six = if request.without_ipv6 {
            Ok(None)
        } else {
            take_one(&mut self.six, request.address6.map(IpAddr::V6))
        };
        match six {
            Ok(six) => Ok((four.and_then(v4), six.and_then(v6))),
            Err(error) => {
                if let (Some(leases), Some(address)) = (&mut self.four, four) {
                    leases.release(address);
                }
                Err(error)
            }
        }
    }
}

/// An address of one family; `None` where the network does not have it. One that is asked for all the same
/// belongs to no subnet.
fn take_one(leases: &mut Option<Leases>, wanted: Option<IpAddr>) -> Result<Option<IpAddr>, LeaseError> {
    match (leases, wanted) {
        (Some(leases), Some(address)) => leases.lease_static(address).map(|()| Some(address)),
        (Some(leases), None) => leases.lease().map(Some),
        (None, Some(address)) => Err(LeaseError::Outside(address)),
        (None, None) => Ok(None),
    }
}

impl BridgeNetwork {
    pub(super) fn lease(&self, request: &SandboxRequest<'_>) -> Result<Sandbox, LeaseError> {
        let (address4, address6) = self.leases().take(request)?;
        let outside = !self.config.internal;
        let address6 = address6.zip(self.gateway6).map(|(address, (gateway, prefix))| {
            let gateway = outside.then_some(gateway);
            (address, prefix, gateway)
        });
        let mut sandbox = Sandbox {
            container: request.container.clone(),
            link: endpoint::host_name(request.container),
            interface: request.interface.to_owned(),
            mac: request.mac.unwrap_or_else(|| self.generated_mac(&[])),
            address4,
            prefix4: self.gateway4.map_or(0, |(_, prefix)| prefix),
            gateway4: self.gateway4().filter(|_| outside),
            address6,
            ports: Vec::new(),
            direct: Vec::new(),
            link_local: Vec::new(),
        };
        if request.mac.is_none() {
            sandbox.mac = self.generated_mac(&sandbox.addresses());
        }
        Ok(sandbox)
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, Pools> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the leases and ports of containers that run.
    pub(crate) fn adopt(&self, running: &[Sandbox]) {
        let mut leases = self.leases();
        for sandbox in running {
            leases.adopt(sandbox);
            self.host.ports.enter(sandbox);
        }
    }
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(four) => Some(four),
        IpAddr::V6(_) => None,
    }
}

fn v6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(six) => Some(six),
        IpAddr::V4(_) => None,
    }
}
