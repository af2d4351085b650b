//! A daemon under test in a sandbox of its own: started, asked, killed at any moment and started
//! again, with a census before and after.
//!
//! `CORTEN_E2E_ENGINE=docker` puts the reference engine in its place (its programs in
//! `$PEERS/bin`), so that a case which Docker itself fails is recognised as a wrong case.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::census::Census;
use crate::outcome::Outcome;
use crate::programs;
use crate::sandbox::Sandbox;
use crate::wait::until_ok;

/// A debug build on a loaded machine, many containers to adopt: far above what is normal.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a daemon may take to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Where the daemon listens, inside.
pub const SOCKET: &str = "/run/corten/corten.sock";

/// Which engine the cases run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The workspace's own.
    Corten,
    /// Docker's, from `$PEERS`.
    Docker,
}

impl Engine {
    /// The engine chosen by `CORTEN_E2E_ENGINE`.
    pub fn chosen() -> Result<Self> {
        match std::env::var("CORTEN_E2E_ENGINE").as_deref() {
            Err(_) | Ok("" | "corten") => Ok(Self::Corten),
            Ok("docker") => Ok(Self::Docker),
            Ok(other) => bail!("CORTEN_E2E_ENGINE={other}: want corten or docker"),
        }
    }
}

/// What is not usual about a daemon.
#[derive(Debug, Clone, Default)]
pub struct DaemonOptions {
    /// More arguments.
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Root, run directory and socket are named after this, so that several can run in one sandbox.
    pub name: Option<String>,
    /// Directories that its root lies in, below where it would lie: a long path.
    pub below: PathBuf,
    /// Started by the name `dockerd`, with that name's defaults.
    pub as_dockerd: bool,
    /// How many descriptors it is given (the soft limit, which containers inherit); `None`: as the test has.
    pub descriptors: Option<u32>,
}

/// A daemon in its sandbox.
#[derive(Debug)]
pub struct Daemon {
    /// Where it runs.
    pub sandbox: std::sync::Arc<Sandbox>,
    options: DaemonOptions,
    engine: Engine,
    running: Option<Running>,
    before: Census,
    calls: Option<PathBuf>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    pid: u32,
}

impl Daemon {
    /// Makes a sandbox and starts the chosen engine's daemon in it.
    pub fn start() -> Result<Self> {
        Self::start_with(DaemonOptions::default())
    }

    /// The same with options.
    pub fn start_with(options: DaemonOptions) -> Result<Self> {
        Self::start_in(std::sync::Arc::new(Sandbox::new()?), options)
    }

    /// Starts one more daemon in a sandbox.
    pub fn start_in(sandbox: std::sync::Arc<Sandbox>, options: DaemonOptions) -> Result<Self> {
        let engine = Engine::chosen()?;
        let mut daemon = Self {
            sandbox,
            options,
            engine,
            running: None,
            before: Census::default(),
            calls: crate::record::calls_file(),
        };
        daemon.launch()?;
        daemon.remember()?;
        Ok(daemon)
    }

    /// Takes the present state as the one to come back to: call it after loading images.
    pub fn remember(&mut self) -> Result<()> {
        let trash = self.data_directory().join("images/trash");
        until_ok(START_LIMIT, "the end of what loads threw away", || {
            let left = std::fs::read_dir(&trash).map_or(0, Iterator::count);
            ensure!(left == 0, "{left} directories in {}", trash.display());
            Ok(())
        })?;
        self.before = self.census()?;
        Ok(())
    }

    /// Fails with a list of all that is there now and was not at [`Daemon::remember`].
    pub fn leaves_nothing(&self) -> Result<()> {
        if self.engine == Engine::Docker {
            // What the reference engine leaves is not ours to judge.
            return Ok(());
        }
        let directories = self.directories();
        let directories: Vec<&Path> = directories.iter().map(PathBuf::as_path).collect();
        self.before.settle(&self.sandbox, &directories)
    }

    /// Starts the daemon again after [`Daemon::kill`] or [`Daemon::stop`], and waits for its answer.
    pub fn launch(&mut self) -> Result<()> {
        self.launch_unanswered()?;
        self.wait_for_answer()
    }

    /// Starts the daemon and does not wait for it.
    pub fn launch_unanswered(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "the daemon runs already");
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut command = self.daemon_command()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start the daemon")?;
        let pid = self.sandbox.program_pid(&child)?;
        self.running = Some(Running { child, pid });
        Ok(())
    }

    /// Waits until the daemon answers on its socket; fails at once when it has ended.
    pub fn wait_for_answer(&mut self) -> Result<()> {
        let socket = self.socket_outside();
        let mut running = self.running.take().context("the daemon was not started")?;
        let answered = until_ok(START_LIMIT, "an answer of the daemon", || {
            if let Some(status) = running.child.try_wait()? {
                return Ok(Err(status));
            }
            ping(&socket).map(Ok)
        });
        match answered {
            Ok(Ok(())) => {
                self.running = Some(running);
                Ok(())
            }
            Ok(Err(status)) => bail!("the daemon ended with {status}:\n{}", self.log_tail()),
            Err(error) => {
                self.running = Some(running);
                Err(error.context(self.log_tail()))
            }
        }
    }

    /// Other arguments for the next launch; the result is those so far.
    pub fn exchange_arguments(&mut self, arguments: Vec<String>) -> Vec<String> {
        std::mem::replace(&mut self.options.arguments, arguments)
    }

    /// Ends the daemon with SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the daemon does not run")?;
        signal(running.pid, Signal::KILL)?;
        running.child.wait()?;
        Ok(())
    }

    /// Whether the daemon has ended by itself (at a fault boundary); if so it can be launched again.
    pub fn has_ended(&mut self) -> Result<bool> {
        let Some(running) = &mut self.running else {
            return Ok(true);
        };
        if running.child.try_wait()?.is_none() {
            return Ok(false);
        }
        self.running = None;
        Ok(true)
    }

    /// Ends the daemon with SIGTERM and waits for it.
    pub fn stop(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the daemon does not run")?;
        signal(running.pid, Signal::TERM)?;
        until_ok(STOP_LIMIT, "the end of the daemon", || {
            running.child.try_wait()?.context("it still runs")
        })?;
        Ok(())
    }

    /// The daemon's pid as the host sees it.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running.as_ref().context("the daemon does not run")?.pid)
    }

    /// The socket's path inside.
    #[must_use]
    pub fn socket(&self) -> String {
        match &self.options.name {
            None => SOCKET.to_owned(),
            Some(name) => format!("/run/corten-{name}/corten.sock"),
        }
    }

    /// The run-time directory, inside.
    #[must_use]
    pub fn run_directory(&self) -> PathBuf {
        PathBuf::from(self.socket())
            .parent()
            .expect("a socket lies in a directory")
            .to_owned()
    }

    /// The data directory, inside and outside alike.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        let root = self.sandbox.scratch().join(&self.options.below);
        root.join(format!("data{}", self.suffix()))
    }

    /// The socket's path as seen from the test's own mount namespace.
    #[must_use]
    pub fn socket_outside(&self) -> PathBuf {
        self.sandbox.path(&self.socket())
    }

    /// A command of the `docker` client, pointed at this daemon.
    #[must_use]
    pub fn docker_command(&self, arguments: &[&str]) -> Command {
        self.client("docker".into(), arguments)
    }

    /// A command of `corten`, pointed at this daemon.
    pub fn corten_command(&self, arguments: &[&str]) -> Result<Command> {
        let program = if self.engine == Engine::Docker {
            "docker".into()
        } else {
            programs::find("corten")?
        };
        Ok(self.client(program, arguments))
    }

    /// Runs `docker` to its end.
    pub fn docker(&self, arguments: &[&str]) -> Result<Outcome> {
        Outcome::of(&mut self.docker_command(arguments))
    }

    /// Runs `corten` to its end.
    pub fn corten(&self, arguments: &[&str]) -> Result<Outcome> {
        Outcome::of(&mut self.corten_command(arguments)?)
    }

    /// Loads a test image by name.
    pub fn load_image(&self, name: &str) -> Result<()> {
        let path = programs::image(name)?;
        self.docker(&["load", "--quiet", "--input", &path.display().to_string()])?
            .success()?;
        Ok(())
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The file whose presence arms the fault hook (see `corten_sys::fault`).
    #[must_use]
    pub fn fault_file(&self) -> PathBuf {
        self.sandbox.scratch().join(format!("fault{}", self.suffix()))
    }

    /// The end of the daemon's log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        format!(
            "--- the daemon's log ends:\n{}",
            lines[lines.len().saturating_sub(60)..].join("\n")
        )
    }

    fn census(&self) -> Result<Census> {
        let directories = self.directories();
        let directories: Vec<&Path> = directories.iter().map(PathBuf::as_path).collect();
        Census::take(&self.sandbox, &directories)
    }

    fn directories(&self) -> [PathBuf; 2] {
        [self.run_directory(), self.data_directory()]
    }

    fn suffix(&self) -> String {
        self.options
            .name
            .as_ref()
            .map(|name| format!("-{name}"))
            .unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.sandbox.scratch().join(format!("daemon{}.log", self.suffix()))
    }

    fn client(&self, program: PathBuf, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(program);
        command
            .args(arguments)
            .env("DOCKER_HOST", format!("unix://{}", self.socket()))
            .env("DOCKER_CONFIG", self.sandbox.scratch().join("client"))
            .env_remove("CORTEN_HOST")
            .env_remove("DOCKER_CONTEXT");
        crate::record::made(&command);
        command
    }

    fn program(&self) -> Result<PathBuf> {
        let program = programs::find("cortend")?;
        if !self.options.as_dockerd {
            return Ok(program);
        }
        let link = self.sandbox.scratch().join("dockerd");
        if !link.exists() {
            std::os::unix::fs::symlink(&program, &link)?;
        }
        Ok(link)
    }

    /// The program with the limits that the options give it.
    fn limited(&self, program: PathBuf) -> Command {
        let Some(soft) = self.options.descriptors else {
            return self.sandbox.command(program);
        };
        let mut command = self.sandbox.command("prlimit");
        command.arg(format!("--nofile={soft}:")).arg("--").arg(program);
        command
    }

    fn daemon_command(&self) -> Result<Command> {
        let run = self.run_directory();
        std::fs::create_dir_all(self.sandbox.path(&run.display().to_string()))?;
        let mut command = match self.engine {
            Engine::Corten => self.limited(self.program()?),
            Engine::Docker => {
                let peers =
                    PathBuf::from(std::env::var_os("PEERS").context("PEERS names the reference engine's directory")?);
                let mut command = self.limited(peers.join("bin/dockerd"));
                let path = std::env::var("PATH").unwrap_or_default();
                command.env("PATH", format!("{}:{path}", peers.join("bin").display()));
                command.arg("--userland-proxy-path").arg(peers.join("bin/docker-proxy"));
                command.args(["--log-level", "fatal"]);
                command.arg("--init-path").arg(peers.join("bin/docker-init"));
                command
            }
        };
        command.arg("--data-root").arg(self.data_directory());
        command.arg("--exec-root").arg(&run);
        command.arg("--pidfile").arg(run.join("daemon.pid"));
        command.arg("--host").arg(format!("unix://{}", self.socket()));
        command
            .arg("--cgroup-parent")
            .arg(format!("/{}{}", self.sandbox.cgroup_parent(), self.suffix()));
        command.args(&self.options.arguments);
        command.env("CORTEN_FAULT_FILE", self.fault_file());
        if let Some(calls) = &self.calls {
            command.env("CORTEN_CALLS_FILE", calls);
        }
        command.envs(self.options.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            // Its sandbox ends it in any case.
            drop(signal(running.pid, Signal::KILL));
            drop(running.child.wait());
        }
    }
}

/// Sends a signal to a process by its host pid.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .context("a pid is positive")?;
    kill_process(pid, signal).with_context(|| format!("send {signal:?} to {}", pid.as_raw_nonzero()))
}

/// Asks `/_ping`, without a client program: this is also how fast a start is measured.
pub fn ping(socket: &Path) -> Result<()> {
    let answer = crate::http::request(socket, "GET", "/_ping", "")?;
    ensure!(answer.status == 200, "the daemon answers {}", answer.head);
    Ok(())
}
