//! Looking at one container's files and shim. Nothing is changed here.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use corten_base::{ContainerId, ExecId};
use corten_shim::protocol::{Exit, Reply, Request, StateReply};
use corten_shim::spawn::SOCKET_NAME;
use tokio::sync::mpsc;

use super::decide::{Found, ShimFound};
use crate::container::change::Changes;
use crate::container::effective::policy;
use crate::container::record::{self, Record, StateRecord};
use crate::container::run::RunRecord;
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::health::HealthRecord;
use crate::shim::{self, News, ShimHandle, ShimProcess};

/// How long a shim may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long it may take the second time it is asked: a host that boots, swaps or writes to a slow disk can hold
/// it up for long, and one that is given up takes its container along.
const SECOND_LIMIT: Duration = Duration::from_secs(25);

/// A container that has a record, and what belongs to it.
pub(super) struct Observed {
    pub(super) record: Record,
    pub(super) changes: Changes,
    pub(super) health: Option<HealthRecord>,
    pub(super) found: Found,
    pub(super) run: Option<RunRecord>,
    pub(super) shim: Option<Contact>,
    /// The list of what its creation was making is still there.
    pub(super) creating: bool,
    /// Exec sessions that ended, with their codes.
    pub(super) ended_execs: Vec<(ExecId, i32)>,
}

/// A shim that answered.
pub(super) struct Contact {
    pub(super) handle: ShimHandle,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) state: Option<StateReply>,
    pub(super) pid: Option<u32>,
}

/// The files of a container; `None`: there is no record, its creation did not finish.
pub(super) async fn observe(core: &Arc<Core>, id: ContainerId) -> Result<Option<Observed>> {
    let (directory, run_directory) = (core.container_directory(&id), core.run_directory(&id));
    let read = blocking(core, move |_core| {
        let failed = |error| Error::caused(format!("read the record of {}", directory.display()), error);
        let Some(record) = Record::read(&directory).map_err(failed)? else {
            return Ok(None);
        };
        let changes = Changes::read(&directory).map_err(failed)?;
        let health = crate::health::read(&directory);
        let state = StateRecord::read(&directory).map_err(failed)?;
        let exit = record::read_exit(&directory, &run_directory).unwrap_or_else(|error| {
            tracing::error!(%error, "an exit record is not readable");
            None
        });
        let has_run = run_directory.exists();
        let run = if has_run {
            RunRecord::read(&run_directory).map_err(failed)?
        } else {
            None
        };
        let socket = has_run.then(|| connect(&run_directory)).flatten();
        let creating = directory.join(record::CREATING).exists();
        let ended = if socket.is_some() {
            ended_execs(&run_directory)
        } else {
            Vec::new()
        };
        let frozen = run.as_ref().is_some_and(is_frozen);
        Ok(Some((
            record, changes, health, state, exit, has_run, run, socket, creating, ended, frozen,
        )))
    });
    let Some((record, changes, health, state, exit, has_run, run, socket, creating, ended_execs, frozen)) =
        read.await?
    else {
        return Ok(None);
    };
    let shim = match socket {
        Some(socket) => ask(socket, &record.name).await,
        None => None,
    };
    let mut host = record.body.host_config.clone().unwrap_or_default();
    changes.apply(&mut host);
    let found = Found {
        life: state.life(policy(&host), host.auto_remove),
        was_running: state.running,
        started_at: state.started_at,
        shim: shim.as_ref().map(|contact| shim_found(contact.state.as_ref())),
        exit,
        run_directory: has_run,
        frozen,
    };
    Ok(Some(Observed {
        record,
        changes,
        health,
        found,
        run,
        shim,
        creating,
        ended_execs,
    }))
}

/// Whether the run was paused.
fn is_frozen(run: &RunRecord) -> bool {
    corten_runtime::cgroup::is_frozen(&run.cgroup).unwrap_or_else(|error| {
        tracing::warn!(%error, "whether a container is paused cannot be read");
        false
    })
}

/// The sessions whose ends the shim has recorded in the run directory.
fn ended_execs(run_directory: &Path) -> Vec<(ExecId, i32)> {
    let mut ended = Vec::new();
    for entry in std::fs::read_dir(run_directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name
            .to_str()
            .and_then(|name| name.strip_prefix("exec-")?.strip_suffix(".json")?.parse().ok());
        if let Some(id) = id
            && let Ok(Some(exit)) = record::read::<Exit>(&entry.path())
        {
            ended.push((id, exit.code));
        }
    }
    ended
}

fn shim_found(state: Option<&StateReply>) -> ShimFound {
    match state {
        Some(state) => ShimFound {
            pid: state.pid,
            started_at: state.started_at,
            exit: state.exit.clone(),
        },
        None => ShimFound {
            pid: 0,
            started_at: None,
            exit: None,
        },
    }
}

/// Connects to the shim of a run directory; `None`: nobody listens.
pub(super) fn connect(run_directory: &Path) -> Option<OwnedFd> {
    let socket = corten_sys::socket::connect_unix(&run_directory.join(SOCKET_NAME)).ok()?;
    rustix::io::ioctl_fionbio(&socket, true).ok()?;
    Some(socket)
}

/// Asks the shim of the container `name` for its state, twice. One that does not answer is known by its pid alone.
pub(super) async fn ask(socket: OwnedFd, name: &str) -> Option<Contact> {
    let pid = rustix::net::sockopt::socket_peercred(&socket).ok();
    let pid = pid.and_then(|peer| u32::try_from(peer.pid.as_raw_nonzero().get()).ok());
    let (handle, news) = shim::open(socket).ok()?;
    let mut state = state_within(&handle, ANSWER_LIMIT).await;
    if state.is_err() {
        tracing::warn!(container = name, pid, "a keeper is silent: it is asked again");
        if let Some(process) = pid.and_then(ShimProcess::adopted) {
            // Somebody may have stopped it.
            process.go_on();
        }
        state = state_within(&handle, SECOND_LIMIT).await;
        if state.is_err() {
            tracing::error!(
                container = name,
                pid,
                "a keeper is silent for good: the container is given up"
            );
        }
    }
    let state = state.unwrap_or_default();
    Some(Contact {
        handle,
        news,
        state,
        pid,
    })
}

/// What it answers, if anything makes sense; an error if it is silent.
async fn state_within(
    handle: &ShimHandle,
    limit: Duration,
) -> std::result::Result<Option<StateReply>, tokio::time::error::Elapsed> {
    let answer = tokio::time::timeout(limit, handle.request(Request::State, Vec::new())).await?;
    Ok(match answer {
        Ok(Reply::State(state)) => Some(*state),
        Ok(_) | Err(_) => None,
    })
}
