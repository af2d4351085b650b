//! A container's control groups: which directories exist for it and what is written there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Scope;

/// How the host mounts its control groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// One hierarchy per controller. A v2 hierarchy without controllers may be mounted beside
    /// them (systemd's hybrid layout); it is then one more directory.
    V1,
    /// The unified hierarchy alone.
    #[default]
    V2,
}

/// All directories of a container, one per hierarchy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cgroup {
    /// The host's layout.
    pub layout: Layout,
    /// The directories. Empty: the container stays in the groups of the process that executes the plan.
    pub directories: Vec<CgroupDirectory>,
    /// The container may write there, it does not own the files otherwise (v2 delegation).
    pub owner: Option<u32>,
    /// The service manager makes the directories, as a unit of its own; then the limits are written into them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// eBPF program for the device rules of a v2 directory, as instructions in host byte order.
    pub device_program: Vec<u64>,
}

/// One directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CgroupDirectory {
    /// Where the hierarchy is mounted.
    pub mount: PathBuf,
    /// The directory, relative to `mount`.
    pub path: PathBuf,
    /// Controllers of this hierarchy; for v2 those that `writes` needs.
    pub controllers: Vec<String>,
    /// Of the v2 kind.
    pub unified: bool,
    /// Files to write after the directory is made and before a process enters, in order.
    pub writes: Vec<CgroupWrite>,
}

impl CgroupDirectory {
    /// Its absolute path.
    pub fn absolute(&self) -> PathBuf {
        self.mount.join(&self.path)
    }
}

/// One value for one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupWrite {
    /// The file's name.
    pub file: String,
    /// What is written, in one write(2).
    pub value: String,
    /// The kernel may lack the file, or the device what it is for.
    #[serde(default)]
    pub optional: bool,
}
