//! `delete`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use corten_runtime::{cgroup, hooks};

use crate::arguments::Global;
use crate::state::{self, Status};

/// A process that was just sent a deadly signal may need a moment.
const GRACE: Duration = Duration::from_millis(100);

/// Removes what a stopped container has left; with `force` stops it first.
pub(crate) fn delete(global: &Global, id: &str, force: bool) -> Result<()> {
    let directory = state::directory(global, id)?;
    let state = match state::load(global, id) {
        Ok(state) => state,
        Err(error) if force => {
            // Without a state there is at most a directory of a creation that died.
            return if directory.exists() {
                fs::remove_dir_all(&directory).context("remove state")
            } else {
                Err(error)
            };
        }
        Err(error) => return Err(error),
    };
    if !force {
        state.await_end(GRACE);
    }
    match state.status(global) {
        Status::Stopped => {}
        Status::Created | Status::Running | Status::Paused if force => {}
        running @ (Status::Created | Status::Running | Status::Paused) => {
            bail!("cannot delete container {id} that is not stopped: {}", running.text())
        }
    }
    cgroup::kill_all(&state.plan.cgroup).context("kill the container's processes")?;
    cgroup::remove(&state.plan.cgroup).context("remove the container's cgroups")?;
    corten_runtime::create::detach_root(&state.plan).context("unmount the root")?;
    fs::remove_dir_all(&directory).with_context(|| format!("remove {}", directory.display()))?;
    if let Err(error) = hooks::poststop(&state.plan) {
        // runtime-spec runtime.md#lifecycle: logged, the rest goes on as if it had succeeded.
        eprintln!("corten-runtime: warning: {error}");
    }
    Ok(())
}
