//! `exec`.

use std::fs;
use std::os::fd::AsFd;

use anyhow::{Context, Result, anyhow, bail};
use corten_runtime::create::Stdio;
use corten_runtime::exec as runtime;
use corten_runtime::host::Host;
use corten_runtime::plan::compile_exec;
use oci_spec::runtime::{Process, Spec, User};

use crate::arguments::{ExecOptions, Global};
use crate::console;
use crate::state::{self, State, Status};

/// Executes one more process; its exit code is the command's.
pub(crate) fn exec(global: &Global, options: &ExecOptions) -> Result<u8> {
    let state = state::load(global, &options.id)?;
    match state.status(global) {
        Status::Created | Status::Running => {}
        Status::Paused => bail!("cannot exec in a paused container"),
        Status::Stopped => bail!("cannot exec in a stopped container"),
    }
    let process = process(options, &state)?;
    let host = Host::probe().context("look at the host")?;
    let plan = compile_exec(
        &process,
        &state.plan,
        &host,
        &corten_runtime::compile::Options::default(),
    )?;
    let stdio = if plan.process.terminal {
        console::terminal_of_caller()
    } else {
        Stdio::Inherit
    };
    let lifetime = if options.detach {
        runtime::Lifetime::Own
    } else {
        runtime::Lifetime::Callers
    };
    let started = runtime::exec_with(&plan, state.pid, stdio, lifetime)?;
    if let Some(path) = &options.pid_file {
        fs::write(path, started.pid.to_string()).with_context(|| format!("write {}", path.display()))?;
    }
    let console = match (started.console, &options.console_socket) {
        (Some(console), Some(socket)) => {
            console::send(socket, console.as_fd())?;
            None
        }
        (console, _) => console,
    };
    if options.detach {
        Ok(0)
    } else {
        console::wait(started.pid, console)
    }
}

/// From `--process`, or the container's own process with the options of the command line.
fn process(options: &ExecOptions, state: &State) -> Result<Process> {
    if let Some(path) = &options.process {
        let json = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        return serde_json::from_slice(&json).with_context(|| format!("parse {}", path.display()));
    }
    let spec = Spec::load(state.bundle.join("config.json")).context("load config.json")?;
    let mut process = spec
        .process()
        .clone()
        .ok_or_else(|| anyhow!("the container has no process"))?;
    process
        .set_args(Some(options.args.clone()))
        .set_terminal(Some(options.tty));
    if let Some(cwd) = &options.cwd {
        process.set_cwd(cwd.into());
    }
    let mut env = process.env().clone().unwrap_or_default();
    env.extend(options.env.iter().cloned());
    process.set_env(Some(env));
    if let Some(user) = &options.user {
        process.set_user(parse_user(user)?);
    }
    Ok(process)
}

fn parse_user(text: &str) -> Result<User> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
    let mut user = User::default();
    user.set_uid(uid.parse().with_context(|| format!("user {text:?}"))?);
    user.set_gid(gid.parse().with_context(|| format!("group of {text:?}"))?);
    Ok(user)
}
