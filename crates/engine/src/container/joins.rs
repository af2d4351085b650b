//! Namespaces of other containers that a container joins, held by descriptors from the moment they are found.
//!
//! A pid alone could be another process's by the time somebody uses it. The directory of a process in `/proc` never
//! is: it is opened, then its control groups are looked at, which are the container's if it is the container's
//! process. Paths through the descriptor lead there, or nowhere.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use corten_api::container::HostConfig;
use corten_base::ContainerId;
use rustix::fs::{Mode, OFlags};

use super::Container;
use super::effective::NetworkMode;
use crate::core::Core;
use crate::error::{Error, Result};

/// The first process of a running container.
#[derive(Debug)]
pub(crate) struct Joined {
    directory: OwnedFd,
}

impl Joined {
    /// The process `pid`, if it is of the container `id`.
    pub(crate) fn open(pid: u32, id: &ContainerId) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(format!("/proc/{pid}"), flags, Mode::empty()).ok()?;
        let joined = Self { directory };
        let groups = fs::read_to_string(joined.path("cgroup")).ok()?;
        is_in_groups_of(&groups, id).then_some(joined)
    }

    /// A file of the process, as this program's children see it while this program lives.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("/proc/{}/fd/{}/{name}", std::process::id(), self.directory.as_raw_fd())
    }
}

/// Whether a group of `/proc/<pid>/cgroup` is, or is below, one that is called like the container.
fn is_in_groups_of(groups: &str, id: &ContainerId) -> bool {
    groups.split(['\n', '/']).any(|name| name == id.as_str())
}

/// A container whose network, processes or ipc another joins.
pub(crate) fn joined(core: &Core, host: &HostConfig) -> Option<Arc<Container>> {
    let network = match NetworkMode::parse(&host.network_mode) {
        NetworkMode::Container(reference) => Some(reference),
        NetworkMode::Bridge | NetworkMode::Host | NetworkMode::None | NetworkMode::Named(_) => None,
    };
    let by = |mode: &str| mode.strip_prefix("container:").map(str::to_owned);
    let references = [network, by(&host.pid_mode), by(&host.ipc_mode)];
    references
        .into_iter()
        .flatten()
        .find_map(|reference| core.containers.find(&reference).ok())
}

/// Refuses what shares an identity by halves: whoever joins a container must be in its user namespace.
pub(crate) fn check_identity(container: &Container, other: &Container) -> Result<()> {
    let root = |container: &Container| container.record.identity.as_ref().map(|mapping| mapping.root());
    if root(container) == root(other) {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "cannot join the namespaces of container {}: it is in another user namespace",
        other.id
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_somebody_else_is_not_joined() {
        let id: ContainerId = "ab".repeat(32).parse().unwrap();
        assert!(is_in_groups_of(&format!("2:cpu:/corten/{id}\n0::/\n"), &id));
        assert!(is_in_groups_of(&format!("0::/corten/{id}/init\n"), &id));
        assert!(!is_in_groups_of(&format!("0::/corten/{}\n", "cd".repeat(32)), &id));
        assert!(!is_in_groups_of(&format!("0::/corten/x{id}\n"), &id));
        // This process runs, and is of no container.
        assert!(Joined::open(std::process::id(), &id).is_none());
    }

    #[test]
    fn what_was_joined_never_becomes_another() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(format!("/proc/{}", child.id()), flags, Mode::empty()).unwrap();
        let joined = Joined { directory };
        assert!(fs::read_to_string(joined.path("status")).is_ok());
        assert!(fs::read_link(joined.path("ns/net")).is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(fs::read_to_string(joined.path("status")).is_err());
        assert!(fs::read_link(joined.path("ns/net")).is_err());
    }
}
