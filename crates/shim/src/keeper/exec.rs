//! Further processes of the container.

use std::os::fd::OwnedFd;

use super::process::{self, Made, Process};
use super::request::{from_runtime, internal, not_running};
use super::{Keeper, Stage};
use crate::protocol::{Exec, Failure, Reply, Target};

impl Keeper {
    pub(super) fn exec(&mut self, exec: Exec, descriptors: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let Some(container) = self.container.as_ref().filter(|_| matches!(self.stage, Stage::Running)) else {
            return Err(not_running(&Target::Container));
        };
        let failed = |error| internal(format!("cannot make streams: {error}"));
        let (stdio, ends) = process::open_streams(&exec.streams).map_err(failed)?;
        let mut plan = exec.plan;
        plan.process.oom_score_adj.get_or_insert(0);
        let made = corten_runtime::exec::exec(&plan, container.pid, stdio).map_err(from_runtime)?;
        let (pid, number) = (made.pid, self.number());
        let made = Made {
            target: Target::Exec(exec.exec),
            pid,
            pidfd: made.pidfd,
            console: made.console,
        };
        // Fails only without descriptors; the process then gets hung up streams and is reaped as any other.
        let mut process = Process::new(made, ends, exec.streams).map_err(failed)?;
        process.exit_path = exec.exit_path;
        process.watch_outputs(&self.poll, number);
        self.processes.insert(number, process);
        if let (Some(attach), Some(socket)) = (exec.attach, descriptors.into_iter().next()) {
            self.join(socket, number, &attach);
        }
        Ok(Reply::Created { pid })
    }
}
