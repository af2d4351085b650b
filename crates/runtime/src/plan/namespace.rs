//! Which namespaces a container has of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where one namespace comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namespace {
    /// That of the process that executes the plan.
    #[default]
    Inherit,
    /// A new one.
    New,
    /// The one at this path, `/proc/<pid>/ns/<kind>` or a bind mount of it.
    Path(PathBuf),
}

impl Namespace {
    /// Whether the container has it of its own, new or joined.
    pub fn is_private(&self) -> bool {
        !matches!(self, Self::Inherit)
    }
}

/// All namespaces of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespaces {
    /// Mounts; always new or a path.
    pub mount: Namespace,
    /// Process ids.
    pub pid: Namespace,
    /// Network.
    pub network: Namespace,
    /// System V IPC and POSIX message queues.
    pub ipc: Namespace,
    /// Host name.
    pub uts: Namespace,
    /// View of the control groups.
    pub cgroup: Namespace,
    /// User and group ids.
    pub user: Namespace,
    /// Boot and monotonic clocks.
    pub time: Namespace,
    /// Mapping of user ids of a new user namespace.
    pub uid_mappings: Vec<IdMapping>,
    /// Mapping of group ids of a new user namespace.
    pub gid_mappings: Vec<IdMapping>,
    /// Offsets of a new time namespace as lines of `/proc/<pid>/timens_offsets`.
    pub time_offsets: Vec<String>,
}

/// One range of a user namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMapping {
    /// First id inside.
    pub container_id: u32,
    /// First id outside.
    pub host_id: u32,
    /// How many.
    pub size: u32,
}
