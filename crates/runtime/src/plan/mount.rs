//! Mounts, devices and links below a container's root.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::IdMapping;

/// One mount below the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path inside the container; resolved inside its root, links included.
    pub destination: PathBuf,
    /// What is mounted.
    pub source: MountSource,
    /// Attributes of the mount.
    #[serde(default)]
    pub attributes: Attributes,
    /// Propagation changes in order.
    #[serde(default)]
    pub propagation: Vec<Propagation>,
    /// Becomes read-only only after everything below it is in place.
    #[serde(default)]
    pub readonly_late: bool,
    /// Identities of a bind mount's files are not shown as they are.
    #[serde(default)]
    pub identities: Option<Identities>,
}

/// Whose the files of a mount are said to be. Without mappings: identities on disk are those inside the container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identities {
    /// Of users: `container_id` is on disk, `host_id` what the host sees of it through the mount.
    pub uid_mappings: Vec<IdMapping>,
    /// Of groups.
    pub gid_mappings: Vec<IdMapping>,
    /// Also those of mounts below.
    pub recursive: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountSource {
    /// A file or directory of the host.
    Bind {
        /// Its path on the host.
        path: PathBuf,
        /// What is shown of it, if not all: a path below it that does not lead out of it, whatever links say.
        #[serde(default)]
        below: Option<PathBuf>,
        /// With everything mounted below it.
        recursive: bool,
    },
    /// A directory of another container, as that shows it.
    OfProcess {
        /// The directory in `/proc` of a process of the container.
        process: PathBuf,
        /// Its absolute path inside that container.
        path: PathBuf,
    },
    /// The merged files of directories of the host, read-only.
    Layers {
        /// The directories, topmost first; at least two.
        lower: Vec<PathBuf>,
        /// As that of a bind mount.
        #[serde(default)]
        below: Option<PathBuf>,
    },
    /// A filesystem instance.
    Filesystem {
        /// The kernel's name of its type.
        kind: String,
        /// Its `source` parameter; empty: none.
        source: String,
        /// Its parameters.
        parameters: Vec<Parameter>,
    },
}

/// One parameter of a filesystem; a flag has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: Option<String>,
}

/// Mount attributes as the bits of `mount_setattr(2)`, `MOUNT_ATTR_*`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// Set on the mount.
    pub set: u64,
    /// Cleared on the mount.
    pub clear: u64,
    /// Set on the mount and everything below it.
    pub recursive_set: u64,
    /// Cleared on the mount and everything below it.
    pub recursive_clear: u64,
}

/// How mount events travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Propagation {
    /// The kernel's `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE` or `MS_UNBINDABLE`.
    pub flag: u64,
    /// Also everything below.
    pub recursive: bool,
}

/// A device node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Absolute path inside the container.
    pub path: PathBuf,
    /// Its kind.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner inside the container.
    pub uid: u32,
    /// Group inside the container.
    pub gid: u32,
    /// The host's node, bound where none can be made (user namespaces); `None`: that of the same path.
    #[serde(default)]
    pub host_path: Option<PathBuf>,
}

/// The kinds of device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Absolute path inside the container.
    pub path: PathBuf,
    /// What it says.
    pub target: PathBuf,
}
