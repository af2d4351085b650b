//! An engine under measurement: its daemon, its client program, its socket.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use corten_testkit::{http, programs};

/// How long a daemon may take to answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running daemon with the means to speak to it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) client: PathBuf,
    pub(crate) socket: PathBuf,
    daemon: Option<Child>,
    start: Vec<String>,
    log: PathBuf,
}

impl Engine {
    /// This workspace's daemon, with busybox loaded.
    pub(crate) fn corten(scratch: &Path) -> Result<Self> {
        let socket = scratch.join("corten.sock");
        let parent = std::env::var("CORTEN_BENCH_CGROUP").unwrap_or_else(|_| "corten-bench".to_owned());
        let start = [
            programs::find("cortend")?.display().to_string(),
            format!("--host=unix://{}", socket.display()),
            format!("--data-root={}", scratch.join("corten").display()),
            "--exec-root=/run/corten-bench".to_owned(),
            format!("--pidfile={}", scratch.join("corten.pid").display()),
            format!("--cgroup-parent={parent}"),
        ];
        Self::launch("corten", programs::find("corten")?, socket, start.to_vec(), scratch)
    }

    /// Starts a daemon by its command line and loads busybox.
    pub(crate) fn launch(
        name: &'static str,
        client: PathBuf,
        socket: PathBuf,
        start: Vec<String>,
        scratch: &Path,
    ) -> Result<Self> {
        let log = scratch.join(format!("{name}.log"));
        let mut engine = Self {
            name,
            client,
            socket,
            daemon: None,
            start,
            log,
        };
        engine.start()?;
        engine.command(&["load", "-q", "-i", &programs::image("busybox")?.display().to_string()])?;
        Ok(engine)
    }

    /// Starts the daemon; returns how long it took to its first answer.
    pub(crate) fn start(&mut self) -> Result<Duration> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let begin = Instant::now();
        let (program, arguments) = self.start.split_first().context("a daemon has a program")?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        let mut child = child.with_context(|| format!("start {program}"))?;
        while http::request(&self.socket, "GET", "/_ping", "").is_err() {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "{program} ended with {status}: {}",
                    std::fs::read_to_string(&self.log).unwrap_or_default()
                );
            }
            ensure!(begin.elapsed() < START_LIMIT, "{program} does not answer");
            std::thread::sleep(Duration::from_micros(200));
        }
        self.daemon = Some(child);
        Ok(begin.elapsed())
    }

    /// Kills the daemon as `kill -9` does.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.daemon.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks the daemon to end and waits for it.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if let Some(mut child) = self.daemon.take() {
            Command::new("kill").arg(child.id().to_string()).status()?;
            child.wait()?;
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().map_or(0, Child::id)
    }

    /// Runs the client to its end; its output is returned, a failure is an error.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<String> {
        self.command_of(&self.client, arguments)
    }

    /// [`Engine::command`] of another client.
    pub(crate) fn command_of(&self, client: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.command_line(client, arguments).stdin(Stdio::null()).output()?;
        ensure!(
            output.status.success(),
            "{} {arguments:?}: {}",
            self.name,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The client's command line, not yet run.
    pub(crate) fn client_command(&self, arguments: &[&str]) -> Command {
        self.command_line(&self.client, arguments)
    }

    fn command_line(&self, client: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(client);
        command
            .arg(format!("--host=unix://{}", self.socket.display()))
            .args(arguments);
        command
    }

    /// A request over the socket whose answer must be a success; its body.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let answer = http::request(&self.socket, method, path, body)?;
        ensure!(
            answer.status < 400,
            "{} {method} {path}: {} {}",
            self.name,
            answer.status,
            answer.text()
        );
        Ok(answer.text())
    }

    /// Create, start, wait and remove of one container running `true`, without a client program.
    pub(crate) fn whole_life(&self) -> Result<()> {
        let id = self.create(r#"{"Image":"busybox","Cmd":["true"]}"#)?;
        self.request("POST", &format!("/v1.47/containers/{id}/start"), "")?;
        self.request("POST", &format!("/v1.47/containers/{id}/wait"), "")?;
        self.request("DELETE", &format!("/v1.47/containers/{id}"), "")?;
        Ok(())
    }

    /// Creates a container; its id.
    pub(crate) fn create(&self, body: &str) -> Result<String> {
        let answer = self.request("POST", "/v1.47/containers/create", body)?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        Ok(answer["Id"]
            .as_str()
            .context("an answer to create has an Id")?
            .to_owned())
    }

    /// Removes every container by force.
    pub(crate) fn clear(&self) -> Result<()> {
        let ids = self.command(&["ps", "-aq"])?;
        let ids: Vec<&str> = ids.lines().collect();
        if !ids.is_empty() {
            self.command(&[&["rm", "-f", "-v"], ids.as_slice()].concat())?;
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The sandbox's end kills what is left.
        drop(self.stop());
    }
}
