//! Exec sessions on the wire.

use serde::{Deserialize, Serialize};

use crate::{List, StringList, is_zero};

/// The body of `POST /containers/{id}/exec`. Engine API v1.51 ExecConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ExecConfig {
    /// `user[:group]`; empty means the container's.
    pub user: String,
    /// Whether all restrictions are off.
    pub privileged: bool,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Terminal height and width at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<[u32; 2]>,
    /// Whether stdin is attached.
    pub attach_stdin: bool,
    /// Whether stderr is attached.
    pub attach_stderr: bool,
    /// Whether stdout is attached.
    pub attach_stdout: bool,
    /// Ignored by the daemon.
    pub detach: bool,
    /// Keys that detach; empty means the daemon's default.
    pub detach_keys: String,
    /// Additional variables.
    pub env: List<String>,
    /// Working directory; empty means the container's.
    pub working_dir: String,
    /// The command.
    pub cmd: StringList,
}

/// The answer of `POST /containers/{id}/exec`. Engine API v1.51 IDResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ExecCreateResponse {
    /// The new session's full id.
    pub id: String,
}

/// The body of `POST /exec/{id}/start`. Engine API v1.51 ExecStartConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ExecStartConfig {
    /// Whether nobody attaches.
    pub detach: bool,
    /// Whether the client expects a terminal; must be what the session was created with.
    pub tty: bool,
    /// Terminal height and width at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<[u32; 2]>,
}

/// What `GET /exec/{id}/json` answers. Engine API v1.51 ExecInspectResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecInspect {
    /// Full id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Whether its process runs.
    #[serde(rename = "Running")]
    pub running: bool,
    /// Exit code; null until it has ended.
    #[serde(rename = "ExitCode")]
    pub exit_code: Option<i64>,
    /// What runs.
    #[serde(rename = "ProcessConfig")]
    pub process_config: ProcessConfig,
    /// Whether stdin is attached.
    #[serde(rename = "OpenStdin")]
    pub open_stdin: bool,
    /// Whether stderr is attached.
    #[serde(rename = "OpenStderr")]
    pub open_stderr: bool,
    /// Whether stdout is attached.
    #[serde(rename = "OpenStdout")]
    pub open_stdout: bool,
    /// Whether it has ended and waits for removal.
    #[serde(rename = "CanRemove")]
    pub can_remove: bool,
    /// The container's full id.
    #[serde(rename = "ContainerID")]
    pub container_id: String,
    /// Keys that detach.
    #[serde(rename = "DetachKeys")]
    pub detach_keys: String,
    /// Process id on the host; 0 before the start.
    #[serde(rename = "Pid")]
    pub pid: i64,
}

/// The process of an exec session. Engine API v1.51 ProcessConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessConfig {
    /// Whether it has a terminal.
    pub tty: bool,
    /// The program.
    pub entrypoint: String,
    /// Its arguments.
    pub arguments: List<String>,
    /// Whether all restrictions are off.
    pub privileged: bool,
    /// `user[:group]`.
    #[serde(skip_serializing_if = "is_zero")]
    pub user: String,
}
