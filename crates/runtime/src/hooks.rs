//! Runs hooks with the container's state on their standard input (runtime-spec runtime.md#lifecycle).

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::failure::{Context, CreateError, reason};
use crate::plan::{Hook, Plan};

/// The `prestart` and `createRuntime` hooks: the namespaces exist, the root is not entered yet.
pub(crate) fn create_runtime(plan: &Plan, pid: u32) -> Result<(), CreateError> {
    // Older than the state `creating`: such hooks expect what was the first state then.
    run_all("prestart", &plan.hooks.prestart, &state(plan, pid, "created"))?;
    run_all(
        "createRuntime",
        &plan.hooks.create_runtime,
        &state(plan, pid, "creating"),
    )
}

/// The `createContainer` hooks, by the container's process in its namespaces before it enters the root.
pub(crate) fn create_container(plan: &Plan) -> Result<(), CreateError> {
    run_all(
        "createContainer",
        &plan.hooks.create_container,
        &state(plan, own_pid(), "creating"),
    )
}

/// The `startContainer` hooks, by the container's process just before its exec.
pub(crate) fn start_container(plan: &Plan) -> Result<(), CreateError> {
    run_all(
        "startContainer",
        &plan.hooks.start_container,
        &state(plan, own_pid(), "created"),
    )
}

/// The `poststart` hooks.
pub fn poststart(plan: &Plan, pid: u32) -> Result<(), CreateError> {
    run_all("poststart", &plan.hooks.poststart, &state(plan, pid, "running"))
}

/// Runs the `poststop` hooks, all of them even if one fails; the first failure is returned.
pub fn poststop(plan: &Plan) -> Result<(), CreateError> {
    let state = state(plan, 0, "stopped");
    let mut result = Ok(());
    for hook in &plan.hooks.poststop {
        let one = run("poststop", hook, &state);
        result = result.and(one);
    }
    result
}

fn own_pid() -> u32 {
    std::process::id()
}

fn state(plan: &Plan, pid: u32, status: &str) -> Vec<u8> {
    let mut state = json!({
        "ociVersion": "1.2.0",
        "id": plan.id,
        "status": status,
        "bundle": plan.bundle,
        "annotations": plan.annotations,
    });
    if pid != 0 {
        state["pid"] = pid.into();
    }
    state.to_string().into_bytes()
}

fn run_all(point: &str, hooks: &[Hook], state: &[u8]) -> Result<(), CreateError> {
    hooks.iter().try_for_each(|hook| run(point, hook, state))
}

fn run(point: &str, hook: &Hook, state: &[u8]) -> Result<(), CreateError> {
    let mut command = Command::new(&hook.path);
    if let Some((name, arguments)) = hook.args.split_first() {
        command.arg0(name).args(arguments);
    }
    command
        .env_clear()
        .envs(hook.env.iter().filter_map(|pair| pair.split_once('=')));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let failed = |why: String| CreateError::internal(format!("error running {point} hook: {why}"));
    let mut child = command
        .spawn()
        .map_err(|error| failed(format!("{}: {}", hook.path.display(), reason(&error))))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read its state.
        stdin.write_all(state).unwrap_or_default();
    }
    if let Some(seconds) = hook.timeout_seconds {
        wait_at_most(&mut child, Duration::from_secs(seconds)).map_err(failed)?;
    }
    let output = child.wait_with_output().internal(|| format!("wait for {point} hook"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Err(failed(format!("{}, stderr: {}", output.status, text.trim_end())))
}

/// Waits for the end without reaping the output; kills a hook that takes too long.
fn wait_at_most(child: &mut Child, limit: Duration) -> Result<(), String> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let pid = rustix::process::Pid::from_child(child);
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
        .map_err(|error| format!("open pidfd: {error}"))?;
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("wait: {error}")),
            Ok(0) => {
                child.kill().unwrap_or_default();
                return Err(format!("timed out after {} s", limit.as_secs()));
            }
            Ok(_) => return Ok(()),
        }
    }
}
