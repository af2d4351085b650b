//! What of a container does not depend on the host: Go's `container.Config`.

use serde::{Deserialize, Serialize};

use crate::{Empty, List, Map, StringList, is_zero};

/// The portable part of a container's configuration. Engine API v1.51 ContainerConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerConfig {
    /// Host name; empty means the short id.
    pub hostname: String,
    /// Domain name.
    pub domainname: String,
    /// `user[:group]`, by name or number; empty means the image's.
    pub user: String,
    /// Whether the creating client attaches stdin.
    pub attach_stdin: bool,
    /// Whether the creating client attaches stdout.
    pub attach_stdout: bool,
    /// Whether the creating client attaches stderr.
    pub attach_stderr: bool,
    /// `port/proto` that the container listens on.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub exposed_ports: Map<Empty>,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Whether stdin is kept open for clients.
    pub open_stdin: bool,
    /// Whether stdin closes when the first attached client leaves.
    pub stdin_once: bool,
    /// `NAME=value`; a bare `NAME` removes the image's variable.
    pub env: List<String>,
    /// Command, or arguments of the entrypoint.
    pub cmd: StringList,
    /// Health check; none means the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<HealthConfig>,
    /// Windows only.
    #[serde(skip_serializing_if = "is_zero")]
    pub args_escaped: bool,
    /// The image as the user named it.
    pub image: String,
    /// Paths that get anonymous volumes.
    pub volumes: Map<Empty>,
    /// Working directory.
    pub working_dir: String,
    /// Entrypoint; a list of one empty string clears the image's.
    pub entrypoint: StringList,
    /// Whether networking is off altogether.
    #[serde(skip_serializing_if = "is_zero")]
    pub network_disabled: bool,
    /// Hardware address (before 1.44).
    #[serde(skip_serializing_if = "is_zero")]
    pub mac_address: String,
    /// Triggers of the image.
    pub on_build: List<String>,
    /// Labels.
    pub labels: Map<String>,
    /// Signal that stops it, by name or number; empty means SIGTERM.
    #[serde(skip_serializing_if = "is_zero")]
    pub stop_signal: String,
    /// Seconds between the stop signal and SIGKILL; none means 10, -1 for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Shell of the shell forms in a Dockerfile.
    #[serde(skip_serializing_if = "StringList::is_empty_list")]
    pub shell: StringList,
}

/// A health check. Durations are nanoseconds, 0 means inherited. Engine API v1.51 HealthConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HealthConfig {
    /// `["CMD", ...]`, `["CMD-SHELL", line]`, `["NONE"]` or empty (inherited).
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub test: List<String>,
    /// Nanoseconds between checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Nanoseconds one check may take.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// Nanoseconds after the start in which failures do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Nanoseconds between checks within the start period.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// Failures in a row that make it unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}
