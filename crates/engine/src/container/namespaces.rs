//! Which namespaces of the host or of other containers a container has, decided at each start.

use corten_shim::protocol::NetworkNamespace;

use super::Container;
use super::effective::NetworkMode;
use super::joins::{self, Joined};
use crate::core::Core;
use crate::error::{Error, Result};

/// Containers whose namespaces a container joins.
pub(super) struct Shared {
    pub(super) network: NetworkNamespace,
    /// Of the container whose network it is; held until the shim is in it.
    network_of: Option<Joined>,
    ipc: Option<Joined>,
    pid: Option<Joined>,
}

/// The process whose network namespace `--network container:` means.
fn network_of(core: &Core, container: &Container, reference: &str) -> Result<Joined> {
    let other = core
        .containers
        .find(reference)
        .map_err(|error| Error::internal(format!("joining network namespace of container: {}", error.message)))?;
    joins::check_identity(container, &other)?;
    process_of(&other).ok_or_else(|| {
        let (name, state) = (other.name(), super::status::state(&other.look().life.phase));
        Error::conflict(format!(
            "cannot join network namespace of a non running container: container {name} is {state}"
        ))
    })
}

fn process_of(container: &Container) -> Option<Joined> {
    let pid = container.look().life.phase.running().map(|running| running.pid)?;
    Joined::open(pid, &container.id)
}

impl Shared {
    /// Finds them now; whoever does not run is refused.
    pub(super) fn of(core: &Core, container: &Container) -> Result<Self> {
        let host = &container.effective.host;
        let joined = |mode: &str, what| {
            let Some(reference) = mode.strip_prefix("container:") else {
                return Ok(None);
            };
            let failed = |why: String| Error::conflict(format!("failed to join {what} namespace: {why}"));
            if reference.is_empty() {
                return Err(Error::invalid(format!(
                    "failed to join {what} namespace: invalid name or ID supplied: \"\""
                )));
            }
            let other = core.containers.find(reference)?;
            let process = process_of(&other).ok_or_else(|| {
                let refused = failed(format!("container {} is not running", other.id));
                match what {
                    // Docker's engine takes this for a fault of its own (observed: dockerd 28.5).
                    "PID" => Error::internal(refused.message),
                    _ => refused,
                }
            })?;
            if what == "IPC" && !matches!(other.effective.host.ipc_mode.as_str(), "shareable" | "host") {
                return Err(failed(format!(
                    "container {}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)",
                    other.id
                )));
            }
            joins::check_identity(container, &other)?;
            Ok(Some(process))
        };
        let (network, network_of) = match &container.effective.network {
            NetworkMode::Host => (NetworkNamespace::Host, None),
            NetworkMode::Container(reference) => {
                let process = network_of(core, container, reference)?;
                (NetworkNamespace::File(process.path("ns/net").into()), Some(process))
            }
            NetworkMode::Bridge | NetworkMode::None | NetworkMode::Named(_) => {
                // It belongs to the user namespace of whoever makes it.
                let network = if container.record.identity.is_some() {
                    NetworkNamespace::OfContainer
                } else {
                    NetworkNamespace::Private
                };
                (network, None)
            }
        };
        Ok(Self {
            network,
            network_of,
            ipc: joined(&host.ipc_mode, "IPC")?,
            pid: joined(&host.pid_mode, "PID")?,
        })
    }

    /// Whose ipc namespace it is.
    pub(super) fn ipc(&self) -> Option<&Joined> {
        self.ipc.as_ref()
    }

    /// Whose processes it sees.
    pub(super) fn pid(&self) -> Option<&Joined> {
        self.pid.as_ref()
    }

    /// The container in whose user namespace this one is.
    pub(super) fn user(&self) -> Option<&Joined> {
        [&self.network_of, &self.ipc, &self.pid]
            .into_iter()
            .find_map(Option::as_ref)
    }
}
