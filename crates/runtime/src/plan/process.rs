//! A process inside a container.

use serde::{Deserialize, Serialize};

use crate::seccomp::Filter;

/// What is executed, as whom, and with which rights.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Program and arguments; at least one. The program is looked up in `PATH` of `env`.
    pub args: Vec<String>,
    /// Environment as `NAME=value`. `HOME` is added from the user's record if it is missing.
    pub env: Vec<String>,
    /// Absolute working directory inside the container.
    pub cwd: String,
    /// Make the working directory if it does not exist.
    pub make_cwd: bool,
    /// As whom.
    pub user: User,
    /// Standard streams are a terminal of the container's own devpts.
    pub terminal: bool,
    /// File mode creation mask; `None`: 0022.
    pub umask: Option<u32>,
    /// Capability sets.
    pub capabilities: Capabilities,
    /// Sets `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privileges: bool,
    /// Resource limits.
    pub rlimits: Vec<Rlimit>,
    /// Written to `oom_score_adj`; `None`: inherited.
    pub oom_score_adj: Option<i32>,
    /// System call filter.
    pub seccomp: Option<Filter>,
    /// Disk priority.
    pub io_priority: Option<IoPriority>,
    /// Keep the session keyring of the process that executes the plan.
    pub keep_keyring: bool,
    /// Argument of `personality(2)`.
    pub personality: Option<u64>,
    /// Label to write to `/proc/self/attr/apparmor/exec`; empty: none.
    pub apparmor_profile: String,
}

/// As whom a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum User {
    /// Numbers, taken as they are.
    Ids {
        /// User id inside the container.
        uid: u32,
        /// Group id inside the container.
        gid: u32,
        /// Supplementary groups.
        additional_gids: Vec<u32>,
    },
    /// Docker's `USER`: `name`, `uid`, `name:group`, `uid:gid` or any mix, resolved against
    /// `/etc/passwd` and `/etc/group` of the container. Empty: user 0.
    Named {
        /// The user, with an optional group after a colon.
        user: String,
        /// Further groups by name or number.
        groups: Vec<String>,
    },
}

impl Default for User {
    fn default() -> Self {
        Self::Ids {
            uid: 0,
            gid: 0,
            additional_gids: Vec::new(),
        }
    }
}

/// Capability sets as bit masks, bit n for capability number n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Upper bound of everything that an exec can give.
    pub bounding: u64,
    /// In force.
    pub effective: u64,
    /// May be put in force.
    pub permitted: u64,
    /// Kept through an exec of a file with inheritable capabilities.
    pub inheritable: u64,
    /// Kept through an exec of an ordinary file.
    pub ambient: u64,
}

/// One resource limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// The kernel's number, `RLIMIT_*`.
    pub resource: u32,
    /// The limit in force; `u64::MAX`: none.
    pub soft: u64,
    /// Up to where it can be raised; `u64::MAX`: no bound.
    pub hard: u64,
}

/// Disk priority, as `ioprio_set(2)` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoPriority {
    /// 1 real time, 2 best effort, 3 idle.
    pub class: u32,
    /// 0 (highest) to 7.
    pub level: u32,
}
