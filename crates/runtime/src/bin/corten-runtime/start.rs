//! `start`.

use std::fs;
use std::io::Read;

use anyhow::{Context, Result, bail};
use corten_runtime::create::CreateError;
use corten_runtime::hooks;
use rustix::fs::{Mode, OFlags, open};

use crate::arguments::Global;
use crate::state::{self, Status};

/// Lets a created container execute its program.
pub(crate) fn start(global: &Global, id: &str) -> Result<()> {
    let state = state::load(global, id)?;
    match state.status(global) {
        Status::Created => {}
        Status::Stopped => bail!("cannot start a container that has stopped"),
        Status::Running | Status::Paused => bail!("cannot start an already running container"),
    }
    let directory = state::directory(global, id)?;
    // The child holds both pipes: opening the first cannot block, reading it ends with the exec.
    let status = open(
        directory.join("status"),
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .context("open the status pipe")?;
    rustix::fs::fcntl_setfl(&status, OFlags::empty()).context("make the status pipe blocking")?;
    let gate = open(
        directory.join("start"),
        OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .context("open the start pipe")?;
    rustix::io::write(&gate, b"s").context("write the start pipe")?;
    let mut failure = Vec::new();
    fs::File::from(status)
        .read_to_end(&mut failure)
        .context("read the status pipe")?;
    fs::remove_file(directory.join("start")).context("remove the start pipe")?;
    if !failure.is_empty() {
        return Err(serde_json::from_slice::<CreateError>(&failure)
            .context("parse the failure")?
            .into());
    }
    if let Err(error) = hooks::poststart(&state.plan, state.pid) {
        // runtime-spec runtime.md#lifecycle: the container is stopped and deleted after a failed hook.
        corten_runtime::cgroup::kill_all(&state.plan.cgroup)?;
        return Err(error.into());
    }
    Ok(())
}
