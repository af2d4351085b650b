//! Programs executed at points of a container's life cycle (runtime-spec config.md#posix-platform-hooks).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All hooks by point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hooks {
    /// After the namespaces exist, in the runtime's namespaces. Deprecated, still used.
    pub prestart: Vec<Hook>,
    /// After the namespaces exist, in the runtime's namespaces.
    pub create_runtime: Vec<Hook>,
    /// Before the root is entered, in the container's namespaces.
    pub create_container: Vec<Hook>,
    /// Before the program is executed, inside the container.
    pub start_container: Vec<Hook>,
    /// After the program was executed, in the runtime's namespaces.
    pub poststart: Vec<Hook>,
    /// After the container was deleted, in the runtime's namespaces.
    pub poststop: Vec<Hook>,
}

/// One program; it gets the container's state as JSON on standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// Absolute path.
    pub path: PathBuf,
    /// Arguments from the zeroth on; empty: the path alone.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: Vec<String>,
    /// Killed after so many seconds.
    pub timeout_seconds: Option<u64>,
}
