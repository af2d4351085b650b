//! A compiled container: plain data that a shim executes without knowing OCI types.
//!
//! A plan travels as JSON between a daemon and shims of other versions, so unknown fields are
//! ignored and every field has a default. Everything the kernel takes as a number is a number
//! here; names are resolved at compile time, except what only the container's own root can answer
//! (user and group names).

mod cgroup;
mod hooks;
mod mount;
mod namespace;
mod process;
mod scope;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use cgroup::{Cgroup, CgroupDirectory, CgroupWrite, Layout};
pub use hooks::{Hook, Hooks};
pub use mount::{Attributes, Device, DeviceKind, Identities, Link, Mount, MountSource, Parameter, Propagation};
pub use namespace::{IdMapping, Namespace, Namespaces};
pub use process::{Capabilities, IoPriority, Process, Rlimit, User};
pub use scope::{Property, PropertyValue, Scope};

pub use crate::compile::{PlanError, compile, compile_exec};

/// The version of the plan's shape that this build writes.
pub const VERSION: u32 = 1;

/// A compiled container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// [`VERSION`] of the compiler.
    pub version: u32,
    /// The container's id, as hooks are told.
    pub id: String,
    /// The bundle directory, as hooks are told.
    pub bundle: PathBuf,
    /// Annotations, as hooks are told.
    pub annotations: BTreeMap<String, String>,
    /// The root filesystem.
    pub root: Root,
    /// Which namespaces are made, joined or kept.
    pub namespaces: Namespaces,
    /// Mounts in order of execution.
    pub mounts: Vec<Mount>,
    /// Symbolic links to make below the root before anything is mounted there; left out where they cannot be made.
    pub root_links: Vec<Link>,
    /// Device nodes to make below the root.
    pub devices: Vec<Device>,
    /// Symbolic links to make below the root after the mounts; existing names stay.
    pub links: Vec<Link>,
    /// Paths hidden behind an empty read-only directory or `/dev/null`; missing ones are skipped.
    pub masked_paths: Vec<PathBuf>,
    /// Paths that become read-only; missing ones are skipped.
    pub readonly_paths: Vec<PathBuf>,
    /// Host name of a private uts namespace.
    pub hostname: Option<String>,
    /// NIS domain name of a private uts namespace.
    pub domainname: Option<String>,
    /// Kernel parameters as paths below `/proc/sys`, with their values.
    pub sysctls: Vec<(String, String)>,
    /// Control groups.
    pub cgroup: Cgroup,
    /// The first process.
    pub process: Process,
    /// Programs executed at points of the life cycle.
    pub hooks: Hooks,
}

/// The root of a container and how it is mounted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Root {
    /// Where the files come from.
    pub source: Rootfs,
    /// The root itself becomes read-only after everything is in place.
    pub readonly: bool,
    /// Propagation of the container's mount tree as seen from the host; `None`: slave.
    pub propagation: Option<Propagation>,
}

/// Where the files of a root come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rootfs {
    /// A directory of the host, bind mounted.
    Directory(PathBuf),
    /// An overlay mount that exists in the container's mount namespace only.
    Overlay {
        /// Read-only layers, topmost first; at least one.
        lower: Vec<PathBuf>,
        /// The writable layer.
        upper: PathBuf,
        /// Overlay's scratch directory, on the filesystem of `upper`, empty.
        work: PathBuf,
        /// Further mount parameters, `volatile` for example. `redirect_dir=nofollow` and
        /// `index=off` are always set.
        #[serde(default)]
        options: Vec<Parameter>,
    },
}

impl Default for Rootfs {
    fn default() -> Self {
        Self::Directory(PathBuf::new())
    }
}

/// A compiled further process of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecPlan {
    /// [`VERSION`] of the compiler.
    pub version: u32,
    /// The process.
    pub process: Process,
    /// The container's namespaces; those that are not inherited are joined.
    pub namespaces: Namespaces,
    /// The container's control groups, which the process enters.
    pub cgroup: Cgroup,
}
