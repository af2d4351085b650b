//! What is remembered of a container between two commands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use corten_runtime::plan::Plan;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use crate::arguments::Global;

/// `state.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) pid: u32,
    /// Start time of the process in clock ticks after boot: tells it from a later one with its pid.
    pub(crate) pid_started: u64,
    pub(crate) bundle: PathBuf,
    pub(crate) created: String,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) plan: Plan,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// The container's directory; refuses ids that are no single file name.
pub(crate) fn directory(global: &Global, id: &str) -> Result<PathBuf> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+-.".contains(c);
    if id.is_empty() || id == "." || id == ".." || !id.chars().all(allowed) {
        bail!("invalid container ID format: {id:?}");
    }
    Ok(global.root.join(id))
}

/// Reads a container's state.
pub(crate) fn load(global: &Global, id: &str) -> Result<State> {
    let path = directory(global, id)?.join("state.json");
    match fs::read(&path) {
        Ok(json) => serde_json::from_slice(&json).with_context(|| format!("parse {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!("container does not exist"),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Writes a container's state, whole or not at all.
pub(crate) fn store(directory: &Path, state: &State) -> Result<()> {
    let temporary = directory.join("state.json.new");
    fs::write(&temporary, serde_json::to_vec(state)?).with_context(|| format!("write {}", temporary.display()))?;
    fs::rename(&temporary, directory.join("state.json")).context("rename state.json")
}

impl State {
    /// Looks at the process.
    pub(crate) fn status(&self, global: &Global) -> Status {
        match stat(self.pid) {
            Some(stat) if stat.started == self.pid_started && !stat.dead => {
                let waiting = global.root.join(&self.id).join("start").exists();
                match (waiting, self.frozen()) {
                    (true, _) => Status::Created,
                    (false, true) => Status::Paused,
                    (false, false) => Status::Running,
                }
            }
            Some(_) | None => Status::Stopped,
        }
    }

    /// Waits until the process has ended, at most `limit`.
    pub(crate) fn await_end(&self, limit: Duration) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(Ok(pidfd)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
            return;
        };
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: limit.subsec_nanos().into(),
        };
        // Whatever comes of it, the status is looked at afterwards.
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit))
            .map(drop)
            .unwrap_or_default();
    }

    fn frozen(&self) -> bool {
        corten_runtime::cgroup::is_frozen(&self.plan.cgroup).unwrap_or(false)
    }
}

/// What `/proc/<pid>/stat` says.
pub(crate) struct Stat {
    pub(crate) dead: bool,
    pub(crate) started: u64,
}

/// `None`: no such process.
pub(crate) fn stat(pid: u32) -> Option<Stat> {
    const START_TIME: usize = 19;
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain anything; the fields after it cannot contain a bracket.
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace();
    let status = fields.next()?;
    Some(Stat {
        dead: status == "Z" || status == "X",
        started: fields.nth(START_TIME - 1)?.parse().ok()?,
    })
}
