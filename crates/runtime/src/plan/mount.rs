//! Mounts, devices and links below a container's root.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
