//! What callers ask with, where the API has no type of its own: query parameters in Rust's shape.

use corten_api::Filters;
use corten_api::container::ContainerConfig;
use corten_base::Timestamp;

/// How a container is stopped or restarted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopOptions {
    /// Signal by name or number; `None`: the container's own.
    pub signal: Option<String>,
    /// Seconds before SIGKILL; negative: wait for ever; `None`: the container's own.
    pub timeout_seconds: Option<i64>,
}

/// Which samples of a container's usage are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatsOptions {
    /// One a second, for ever.
    pub stream: bool,
    /// The single one at once, without the processor time of a moment before.
    pub one_shot: bool,
}

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Anonymous volumes too.
    pub volumes: bool,
    /// Even if it runs.
    pub force: bool,
    /// Only the link of this name; not built.
    pub link: bool,
}

/// Which containers are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Not only those that run.
    pub all: bool,
    /// Only the newest; zero or less: no limit.
    pub limit: i64,
    /// With sizes on disk.
    pub size: bool,
    /// Docker's filters: key to values.
    pub filters: Filters,
}

/// What a waiter waits for (Engine API v1.51 ContainerWait).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WaitCondition {
    /// It does not run; at once if so.
    #[default]
    NotRunning,
    /// The next end of a run.
    NextExit,
    /// Its removal.
    Removed,
}

/// What of a container's log is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on until the container ends.
    pub follow: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// Only this many of the last lines; `None`: all.
    pub tail: Option<u64>,
    /// Each line carries the log's attributes.
    pub details: bool,
    /// Lines as they are, without Docker's frames.
    pub raw: bool,
    /// In Docker's frames even if they are a terminal's.
    pub framed: bool,
}

/// How a client is joined to a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachOptions {
    /// Replay the log first.
    pub logs: bool,
    /// Stay for what comes; without it only the log is replayed.
    pub stream: bool,
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// Keys that detach, `ctrl-p,ctrl-q`; `None`: the default.
    pub detach_keys: Option<String>,
    /// Both streams as they are, without Docker's frames.
    pub raw: bool,
}

/// How an exec session is started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecStartOptions {
    /// Without a client.
    pub detach: bool,
    /// With a terminal.
    pub tty: bool,
    /// The terminal's rows and columns.
    pub size: Option<(u16, u16)>,
}

/// A terminal's size in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Height.
    pub rows: u16,
    /// Width.
    pub columns: u16,
}

/// How an image is imported from the tar of a file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportImageOptions {
    /// Repository name; empty: none.
    pub repository: String,
    /// Tag; empty: `latest`.
    pub tag: String,
    /// The comment; empty: Docker's.
    pub message: String,
    /// Dockerfile instructions that change its configuration.
    pub changes: Vec<String>,
    /// `os[/arch[/variant]]`; empty: the host's.
    pub platform: String,
}

/// Which images are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageListOptions {
    /// Intermediate ones too.
    pub all: bool,
    /// Docker's filters.
    pub filters: Filters,
}

/// How an image is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageRemoveOptions {
    /// Although several names or stopped containers refer to it.
    pub force: bool,
    /// Leave untagged parents.
    pub no_prune: bool,
}

/// How an archive is unpacked into a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtractOptions {
    /// The directory.
    pub path: String,
    /// A directory and something else do not replace each other.
    pub keep_kinds: bool,
    /// Everything belongs to the container's user.
    pub own: bool,
}

/// What a commit makes of a container.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CommitOptions {
    /// The container.
    pub container: String,
    /// Repository name; empty: none.
    pub repository: String,
    /// Tag; empty: `latest`.
    pub tag: String,
    /// Who made it.
    pub author: String,
    /// A comment.
    pub message: String,
    /// Dockerfile instructions that change its configuration.
    pub changes: Vec<String>,
    /// Its configuration instead of the container's, which it is completed from.
    pub config: Option<ContainerConfig>,
    /// The container is paused meanwhile.
    pub pause: bool,
}
