//! Facts about the host that plans depend on, probed once per process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::plan::Layout;

/// What this host's kernel and configuration offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// How control groups are mounted.
    pub layout: Layout,
    /// All mounted hierarchies.
    pub hierarchies: Vec<Hierarchy>,
    /// Kernel version: major, minor.
    pub kernel: (u32, u32),
    /// Highest capability number that the kernel knows.
    pub last_capability: u32,
    /// System call filters can be loaded.
    pub seccomp: bool,
    /// AppArmor is enabled.
    pub apparmor: bool,
    /// Overlay takes its layers one by one (`lowerdir+`, Linux 6.7).
    pub overlay_append: bool,
}

/// One mounted hierarchy of control groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Where.
    pub mount: PathBuf,
    /// Its controllers; for a named v1 hierarchy `name=<name>`.
    pub controllers: Vec<String>,
    /// Of the v2 kind.
    pub unified: bool,
    /// The group of the probing process, relative to the hierarchy's root.
    pub own: PathBuf,
}

/// Why probing failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A file of `/proc` could not be read.
    #[error("read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No control groups are mounted.
    #[error("no cgroup hierarchy is mounted")]
    NoCgroups,
}

impl Host {
    /// Looks at the running kernel. Costs a few small files; keep the result.
    pub fn probe() -> Result<Self, ProbeError> {
        unimplemented!()
    }
}
