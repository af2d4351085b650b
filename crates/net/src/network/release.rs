//! Releasing a container's place: every step is tried, whatever fails, and may be repeated.

use corten_sys::conntrack::Conntrack;
use corten_sys::netlink::{self, Route};

use super::BridgeNetwork;
use crate::endpoint;
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
    /// Unpublishes the ports, deletes the link, forgets the connections, gives the address back. Does all
    /// steps whatever fails, and may be repeated.
    ///
    /// # Errors
    /// All the steps that failed. The address is kept if its link may still be there.
    pub fn release(&self, sandbox: &Sandbox) -> Result<(), ReleaseError> {
        let mut failures = Vec::new();
        if let Err(error) = self.firewall.unpublish(&sandbox.publications()) {
            failures.push(error.to_string());
        }
        let unlinked = unlink(&sandbox.link);
        if let Err(error) = forget(sandbox) {
            failures.push(format!("connections: {error}"));
        }
        match unlinked {
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
}

/// Over a socket of its own: deleting waits for the kernel, and others must not wait for us.
fn unlink(link: &str) -> Result<(), netlink::Error> {
    endpoint::detach(&mut Route::open().map_err(netlink::Error::from)?, link)
}

fn forget(sandbox: &Sandbox) -> Result<(), netlink::Error> {
    let mut connections = Conntrack::open().map_err(netlink::Error::from)?;
    for address in sandbox.addresses() {
        connections.forget(address)?;
    }
    Ok(())
}
