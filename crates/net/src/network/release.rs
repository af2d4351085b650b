//! Releasing a container's place: every step is tried, whatever fails, and may be repeated. Takes some
//! 50 microseconds, and some milliseconds for a container that had connections.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::{io, mem};

use corten_sys::conntrack::Conntrack;
use corten_sys::netlink;

use super::BridgeNetwork;
use crate::endpoint;
use crate::firewall::FirewallError;
use crate::sandbox::Sandbox;

/// Steps of a release that failed.
#[derive(Debug, thiserror::Error)]
#[error("releasing the network of {container}: {}", .failures.join("; "))]
pub struct ReleaseError {
    /// Whose.
    pub container: corten_base::ContainerId,
    /// Each failed step with its reason.
    pub failures: Vec<String>,
}

impl BridgeNetwork {
    /// Unpublishes the ports, forgets the connections, takes the link out of service, gives the address back. Does all
    /// steps whatever fails, and may be repeated.
    ///
    /// # Errors
    /// All the steps that failed. The address is kept if its link may still be in service.
    pub fn release(&self, sandbox: &Sandbox) -> Result<(), ReleaseError> {
        let mut failures = Vec::new();
        if let Err(error) = self.firewall.unpublish(&sandbox.publications()) {
            failures.push(error.to_string());
        }
        if let Err(error) = self.forget(sandbox) {
            failures.push(format!("connections: {error}"));
        }
        match self.retire(&sandbox.link) {
            Ok(()) => self.abandon(sandbox),
            Err(error) => failures.push(format!("link {}: {error}", sandbox.link)),
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(ReleaseError {
                container: sandbox.container.clone(),
                failures,
            })
        }
    }

    fn retire(&self, link: &str) -> Result<(), netlink::Error> {
        endpoint::retire(&mut self.kernel().route, link)?;
        self.sweeper.wake();
        Ok(())
    }

    fn forget(&self, sandbox: &Sandbox) -> Result<(), ForgetError> {
        let mut active = Vec::new();
        for address in sandbox.addresses() {
            if self.firewall.take_activity(address)? {
                active.push(address);
            }
        }
        if active.is_empty() {
            Ok(())
        } else {
            Ok(self.forgetter.forget(active)?)
        }
    }
}

/// Walks the connection table for all who are released at a time: whoever gets the socket takes the
/// addresses of those who wait for it along.
#[derive(Debug)]
pub(super) struct Forgetter {
    waiting: Mutex<Vec<IpAddr>>,
    connections: Mutex<Conntrack>,
}

impl Forgetter {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            waiting: Mutex::default(),
            connections: Mutex::new(Conntrack::open()?),
        })
    }

    fn forget(&self, addresses: Vec<IpAddr>) -> Result<(), netlink::Error> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(addresses);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let all = mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        connections.forget(&all).map(drop)
    }
}

/// Connections may be left.
#[derive(Debug, thiserror::Error)]
enum ForgetError {
    #[error(transparent)]
    Activity(#[from] FirewallError),
    #[error(transparent)]
    Delete(#[from] netlink::Error),
}
