//! Releasing a container's place: every step is tried, whatever fails, and may be repeated. Takes some
//! 50 microseconds, and some milliseconds for a container that had connections.

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
        if let Err(error) = self.close_links_of(sandbox) {
            failures.push(format!("links: {error}"));
        }
        if let Err(error) = self.host.firewall.unpublish(&sandbox.publications()) {
            failures.push(error.to_string());
        }
        if let Err(error) = self.forget(sandbox) {
            failures.push(format!("connections: {error}"));
        }
        let owned = sandbox.addresses();
        let disowned = self
            .host
            .owning(|ownership, kernel| ownership.remove(kernel, &sandbox.link, &owned));
        if let Err(error) = disowned {
            failures.push(format!("addresses: {error}"));
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
        endpoint::retire(&mut self.host.kernel(), link)?;
        self.host.sweeper.wake();
        Ok(())
    }

    fn forget(&self, sandbox: &Sandbox) -> Result<(), ForgetError> {
        // Nothing remembers the activity of these.
        let mut active = sandbox.link_local.clone();
        for address in sandbox.addresses() {
            if self.host.firewall.take_activity(address)? {
                active.push(address);
            }
        }
        if active.is_empty() {
            Ok(())
        } else {
            Ok(self.host.forgetter.forget(active)?)
        }
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
