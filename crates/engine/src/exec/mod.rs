//! Exec sessions: further processes of a running container. The shim runs them; here is what clients
//! ask about them. A session is forgotten with its container, or some time after its end.

mod plan;
pub(crate) mod registry;
mod start;

pub use start::ExecTicket;
pub(crate) use start::prepare;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use corten_api::exec::{ExecConfig, ExecInspect, ProcessConfig};
use corten_base::{ExecId, Timestamp};
use corten_shim::protocol::{Exit, FailureKind, Request, Target};

use crate::container::phase::Phase;
use crate::container::{Container, attach, record};
use crate::core::{Core, blocking, random_bytes};
use crate::error::{Error, Result};
use crate::event::Subject;
use crate::files;
use crate::request::TerminalSize;
use crate::shim::ShimError;
pub(crate) use registry::Purpose;
use registry::{Progress, Session};

/// Makes a session; returns its id.
pub(crate) async fn create(core: &Arc<Core>, reference: &str, config: ExecConfig) -> Result<String> {
    let container = core.containers.find(reference)?;
    check_running(&container, reference)?;
    check_user(core, &container, &config.user).await?;
    Ok(make(core, &container, config, Purpose::Client)?.id.to_string())
}

/// Makes a session of a running container.
pub(crate) fn make(
    core: &Arc<Core>,
    container: &Arc<Container>,
    config: ExecConfig,
    purpose: Purpose,
) -> Result<Arc<Session>> {
    if config.cmd.is_empty() {
        return Err(Error::invalid("No exec command specified"));
    }
    if !config.working_dir.is_empty() && !config.working_dir.starts_with('/') {
        return Err(Error::invalid(format!(
            "the working directory '{}' is invalid, it needs to be an absolute path",
            config.working_dir
        )));
    }
    let keys = &config.detach_keys;
    attach::detach_keys(Some(keys)).map_err(|_| Error::internal(format!("Invalid escape keys ({keys}) provided")))?;
    let id = ExecId::from_random(random_bytes());
    let session = Arc::new(Session::new(id, Arc::clone(container), config, purpose));
    publish(core, &session, "exec_create");
    core.execs.insert(Arc::clone(&session));
    Ok(session)
}

/// A name that the container does not know is refused before anything is promised to the client.
async fn check_user(core: &Arc<Core>, container: &Arc<Container>, user: &str) -> Result<()> {
    let name = user.split_once(':').map_or(user, |(name, _)| name);
    if name.is_empty() || name.parse::<i64>().is_ok() {
        return Ok(());
    }
    let (within, wanted) = (Arc::clone(container), name.to_owned());
    let is_known = blocking(core, move |_| Ok(files::knows_user(&within, &wanted)));
    if is_known.await? {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "unable to find user {name}: no matching entries in passwd file"
    )))
}

/// A session can be made and started only while its container runs; `name` is what the client calls it.
pub(crate) fn check_running(container: &Container, name: &str) -> Result<()> {
    let id = &container.id;
    match container.look().life.phase {
        Phase::Running(_) => Ok(()),
        Phase::Paused(_) => Err(Error::conflict(format!(
            "Container {name} is paused, unpause the container before exec"
        ))),
        Phase::Restarting(_) => Err(Error::conflict(format!(
            "Container {name} is restarting, wait until the container is running"
        ))),
        Phase::Created(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => {
            Err(Error::conflict(format!("container {id} is not running")))
        }
    }
}

/// Everything about a session.
pub(crate) fn inspect(core: &Core, exec: &str) -> Result<ExecInspect> {
    let session = core.execs.find(exec)?;
    let (progress, config) = (progress(core, &session), &session.config);
    let mut words = config.cmd.iter().cloned();
    Ok(ExecInspect {
        id: session.id.to_string(),
        running: matches!(progress, Progress::Running { .. }),
        exit_code: match progress {
            Progress::Ended { code, .. } => Some(i64::from(code)),
            Progress::Created | Progress::Starting | Progress::Running { .. } => None,
        },
        process_config: ProcessConfig {
            tty: config.tty,
            entrypoint: words.next().unwrap_or_default(),
            arguments: words.collect(),
            privileged: config.privileged,
            user: config.user.clone(),
        },
        open_stdin: config.attach_stdin,
        open_stderr: config.attach_stderr,
        open_stdout: config.attach_stdout,
        can_remove: false,
        container_id: session.container.id.to_string(),
        detach_keys: config.detach_keys.clone(),
        pid: match progress {
            Progress::Running { pid } | Progress::Ended { pid, .. } => i64::from(pid),
            Progress::Created | Progress::Starting => 0,
        },
    })
}

/// How far a session is. The shim writes its end down before it lets clients go: one that asks at once must
/// not be told that it still runs, though the news may not have been read yet.
fn progress(core: &Core, session: &Session) -> Progress {
    let progress = session.progress();
    let pid = match progress {
        Progress::Created | Progress::Ended { .. } => return progress,
        Progress::Starting => 0,
        Progress::Running { pid } => pid,
    };
    match record::read::<Exit>(&exit_path(core, session)) {
        Ok(Some(exit)) => Progress::Ended {
            pid,
            code: exit.code,
            at: std::time::Instant::now(),
        },
        Ok(None) | Err(_) => progress,
    }
}

/// Where the shim writes down how a session ended.
fn exit_path(core: &Core, session: &Session) -> PathBuf {
    core.run_directory(&session.container.id)
        .join(format!("exec-{}.json", session.id))
}

/// Where a session that starts leaves what was asked for, for a later daemon.
fn config_path(run_directory: &Path, id: &ExecId) -> PathBuf {
    run_directory.join(format!("exec-{id}.config"))
}

/// What was asked for of a session that an earlier daemon started; the default if it did not say.
pub(crate) fn recorded_config(core: &Core, container: &Container, id: &ExecId) -> ExecConfig {
    let path = config_path(&core.run_directory(&container.id), id);
    record::read(&path).ok().flatten().unwrap_or_default()
}

/// Leaves what was asked for. It only has to last as long as the run.
fn record_config(core: &Core, session: &Session) -> Result<()> {
    let path = config_path(&core.run_directory(&session.container.id), &session.id);
    let failed = |error: std::io::Error| Error::caused("record an exec session", error);
    let content = serde_json::to_vec(&session.config).map_err(|error| failed(error.into()))?;
    std::fs::write(path, content).map_err(failed)
}

/// Sets the size of a session's terminal, once it has started; without a terminal nothing happens.
pub(crate) async fn resize(core: &Core, exec: &str, size: TerminalSize) -> Result<()> {
    let session = core.execs.find(exec)?;
    check_running(&session.container, session.container.id.as_str())?;
    if !session.started().await {
        return Err(Error::internal("timeout waiting for exec session ready"));
    }
    if let Progress::Ended { pid, .. } = progress(core, &session) {
        return Err(if pid == 0 {
            Error::invalid("exec process is not started")
        } else {
            no_process(&session)
        });
    }
    let shim = session
        .container
        .shim()
        .ok_or_else(|| not_running(&session.container))?;
    let target = Target::Exec(session.id.clone());
    let request = Request::Resize {
        target,
        rows: size.rows,
        columns: size.columns,
    };
    let asked = shim.ask(request, Vec::new()).await;
    asked.map_err(|error| match error {
        ShimError::Failed(failure) if failure.kind == FailureKind::NotRunning => no_process(&session),
        error => Error::internal(error.to_string()),
    })
}

/// Docker's words for a session whose process has ended.
fn no_process(session: &Session) -> Error {
    let id = &session.id;
    Error::not_found(format!("NotFound: process does not exist {id}: not found"))
}

fn not_running(container: &Container) -> Error {
    Error::conflict(format!("container {} is not running", container.id))
}

/// The shim tells that a session ended.
pub(crate) fn ended(core: &Core, container: &Container, exec: &ExecId, code: i32) {
    let Some(session) = core.execs.get(exec) else { return };
    if session.container.id == container.id && session.end(code) {
        // A session that never ran has none, and a leftover goes with the run.
        drop(std::fs::remove_file(exit_path(core, &session)));
        drop(std::fs::remove_file(config_path(
            &core.run_directory(&container.id),
            exec,
        )));
        let attributes = attributes(&session, Some(code));
        core.events
            .publish(Subject::Container(container), "exec_die", &attributes, Timestamp::now());
        if session.purpose == Purpose::HealthCheck {
            // Nobody asks about it any more, and there are many.
            core.execs.remove(exec);
        }
    }
}

/// The container's run is over, and all its sessions with it.
pub(crate) fn container_ended(core: &Core, container: &Container) {
    /// What the kernel kills with the container.
    const KILLED: i32 = 137;
    for session in core.execs.sessions(&container.id) {
        if matches!(session.progress(), Progress::Running { .. }) {
            ended(core, container, &session.id, KILLED);
        }
    }
}

/// The container is gone, and all its sessions with it.
pub(crate) fn container_removed(core: &Core, container: &Container) {
    core.execs.forget(&container.id);
}

fn publish(core: &Core, session: &Session, action: &str) {
    // Sic: a blank stands between the program and its arguments, be there any or none.
    let (program, arguments) = session
        .config
        .cmd
        .split_first()
        .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let action = format!("{action}: {program} {}", arguments.join(" "));
    let subject = Subject::Container(&session.container);
    core.events
        .publish(subject, &action, &attributes(session, None), Timestamp::now());
}

fn attributes(session: &Session, code: Option<i32>) -> Vec<(&'static str, String)> {
    let mut attributes = vec![("execID", session.id.to_string())];
    attributes.extend(code.map(|code| ("exitCode", code.to_string())));
    attributes
}
