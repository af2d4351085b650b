//! `create` and `run`.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};
use corten_base::Timestamp;
use corten_runtime::create::{Gate, Options, Stdio, create_with};
use corten_runtime::host::Host;
use corten_runtime::plan::{Plan, Rootfs, compile};
use oci_spec::runtime::Spec;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

use crate::arguments::{CreateOptions, Global};
use crate::state::{self, State};
use crate::{console, delete, start};

/// Makes the container up to its program's exec. Gives its pid and, without a console socket, its terminal.
pub(crate) fn create(global: &Global, options: &CreateOptions) -> Result<(u32, Option<OwnedFd>)> {
    let bundle = fs::canonicalize(&options.bundle).with_context(|| format!("bundle {}", options.bundle.display()))?;
    let plan = load(global, &bundle, &options.id)?;
    let directory = state::directory(global, &options.id)?;
    fs::create_dir_all(&global.root).with_context(|| format!("make {}", global.root.display()))?;
    match fs::create_dir(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("container with given ID already exists: {}", options.id)
        }
        made => made.with_context(|| format!("make {}", directory.display()))?,
    }
    let created = create_in(&directory, options, plan, &bundle);
    if created.is_err() {
        fs::remove_dir_all(&directory).unwrap_or_default();
    }
    created
}

fn load(global: &Global, bundle: &Path, id: &str) -> Result<Plan> {
    if global.systemd && !corten_runtime::scope::is_available() {
        bail!("systemd not running on this host, cannot use systemd cgroups manager");
    }
    let spec = Spec::load(bundle.join("config.json")).context("load config.json")?;
    crate::spec::check_version(spec.version())?;
    let root = spec
        .root()
        .as_ref()
        .ok_or_else(|| anyhow!("root property must not be empty"))?;
    let root = bundle.join(root.path());
    if !root.is_dir() {
        bail!("rootfs {} is not a directory", root.display());
    }
    let host = Host::probe().context("look at the host")?;
    let options = corten_runtime::compile::Options {
        id: id.to_owned(),
        bundle: bundle.to_path_buf(),
        make_cwd: true,
        systemd: global.systemd,
        ..Default::default()
    };
    Ok(compile(&spec, Rootfs::Directory(root), &host, &options)?)
}

fn create_in(directory: &Path, options: &CreateOptions, plan: Plan, bundle: &Path) -> Result<(u32, Option<OwnedFd>)> {
    if plan.process.terminal && options.console_socket.is_none() && options.detach {
        bail!("cannot allocate tty if corten-runtime will detach without setting console socket");
    }
    let gate = make_gate(directory)?;
    let stdio = if plan.process.terminal {
        console::terminal_of_caller()
    } else {
        Stdio::Inherit
    };
    for number in 3..3 + options.preserved_descriptors {
        corten_sys::execute::keep_on_exec(number as i32).with_context(|| format!("--preserve-fds: {number}"))?;
    }
    let options_create = Options {
        follow_network: false,
        detached: true,
        preserved_descriptors: options.preserved_descriptors,
        gate: Some(gate),
    };
    let init = create_with(&plan, stdio, options_create)?;
    let recorded = record(directory, options, plan, bundle, init.pid);
    let console = match (recorded, init.console, &options.console_socket) {
        (Ok(()), Some(console), Some(socket)) => console::send(socket, console.as_fd()).map(|()| None),
        (Ok(()), console, _) => Ok(console),
        (Err(error), _, _) => Err(error),
    };
    if console.is_err() {
        rustix::process::pidfd_send_signal(&init.pidfd, rustix::process::Signal::KILL).unwrap_or_default();
        let state: State = serde_json::from_slice(&fs::read(directory.join("state.json"))?)?;
        corten_runtime::cgroup::remove(&state.plan.cgroup)?;
    }
    Ok((init.pid, console?))
}

fn make_gate(directory: &Path) -> Result<Gate> {
    let pipe = |name: &str, flags: OFlags| -> Result<OwnedFd> {
        let path = directory.join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .with_context(|| format!("make {}", path.display()))?;
        open(&path, flags | OFlags::CLOEXEC, Mode::empty()).with_context(|| format!("open {}", path.display()))
    };
    // Read and write: the child must neither wait for a writer nor see an end.
    let start = pipe("start", OFlags::RDWR)?;
    let status = pipe("status", OFlags::RDWR)?;
    let status_write = open(
        directory.join("status"),
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    drop(status);
    Ok(Gate {
        start,
        status: status_write,
    })
}

fn record(directory: &Path, options: &CreateOptions, plan: Plan, bundle: &Path, pid: u32) -> Result<()> {
    let stat = state::stat(pid).ok_or_else(|| anyhow!("the container's process has ended"))?;
    let state = State {
        id: options.id.clone(),
        pid,
        pid_started: stat.started,
        bundle: bundle.to_path_buf(),
        created: Timestamp::from(SystemTime::now()).to_string(),
        annotations: plan.annotations.clone(),
        plan,
    };
    state::store(directory, &state)?;
    if let Some(path) = &options.pid_file {
        fs::write(path, pid.to_string()).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Makes, starts, and unless detached waits for and deletes the container.
pub(crate) fn run(global: &Global, options: &CreateOptions) -> Result<u8> {
    let (pid, console) = create(global, options)?;
    if let Err(error) = start::start(global, &options.id) {
        delete::delete(global, &options.id, true).unwrap_or_default();
        return Err(error);
    }
    if options.detach {
        return Ok(0);
    }
    let code = console::wait(pid, console)?;
    delete::delete(global, &options.id, true)?;
    Ok(code)
}
