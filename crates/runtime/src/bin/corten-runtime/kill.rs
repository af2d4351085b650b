//! `kill`, `pause`, `resume`.

use anyhow::{Context, Result, anyhow, bail};
use corten_runtime::cgroup;
use rustix::process::{Pid, Signal, kill_process};

use crate::arguments::Global;
use crate::state::{self, Status};

/// Sends a signal to the first process, or to all.
pub(crate) fn kill(global: &Global, id: &str, signal: &str, all: bool) -> Result<()> {
    let state = state::load(global, id)?;
    let signal = parse(signal)?;
    if all {
        for pid in cgroup::processes(&state.plan.cgroup)? {
            send(pid, signal)?;
        }
        return Ok(());
    }
    match state.status(global) {
        Status::Created | Status::Running | Status::Paused => send(state.pid, signal),
        Status::Stopped => bail!("container not running"),
    }
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| anyhow!("pid {pid} out of range"))?;
    match kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => sent.context("send the signal"),
    }
}

/// A number, or a name with or without `SIG`.
fn parse(text: &str) -> Result<Signal> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ];
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = match name.parse::<i32>() {
        Ok(number) => number,
        Err(_) => NAMES
            .iter()
            .position(|known| *known == name)
            .map_or(0, |index| index as i32 + 1),
    };
    Signal::from_named_raw(number).ok_or_else(|| anyhow!("unknown signal {text:?}"))
}

/// Freezes the container.
pub(crate) fn pause(global: &Global, id: &str) -> Result<()> {
    let state = state::load(global, id)?;
    match state.status(global) {
        Status::Created | Status::Running => Ok(cgroup::freeze(&state.plan.cgroup)?),
        Status::Paused | Status::Stopped => bail!("container not running or created"),
    }
}

/// Thaws it.
pub(crate) fn resume(global: &Global, id: &str) -> Result<()> {
    let state = state::load(global, id)?;
    match state.status(global) {
        Status::Paused => Ok(cgroup::thaw(&state.plan.cgroup)?),
        Status::Created | Status::Running | Status::Stopped => bail!("container not paused"),
    }
}
