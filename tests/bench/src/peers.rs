//! The engines to compare with, where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::engine::Engine;

/// Peers that were found.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) docker: Option<Engine>,
    pub(crate) podman: Option<Podman>,
}

impl Peers {
    pub(crate) fn find(scratch: &Path) -> Result<Self> {
        let docker = docker(scratch);
        if let Err(error) = &docker {
            eprintln!("bench: no docker to compare with: {error:#}");
        }
        let podman = corten_testkit::skip::has_program("podman")
            .then(|| Podman::prepare(scratch))
            .transpose()?;
        Ok(Self {
            docker: docker.ok(),
            podman,
        })
    }

    pub(crate) fn stop(mut self) {
        if let Some(docker) = &mut self.docker {
            // The sandbox's end kills what is left.
            drop(docker.clear());
            drop(docker.stop());
        }
    }
}

/// dockerd out of `$PEERS/bin`, inside this sandbox.
fn docker(scratch: &Path) -> Result<Engine> {
    let Some(peers) = std::env::var_os("PEERS").map(PathBuf::from) else {
        anyhow::bail!("PEERS names no directory with bin/dockerd");
    };
    let bin = peers.join("bin");
    let dockerd = bin.join("dockerd");
    ensure!(dockerd.is_file(), "{} is not there", dockerd.display());
    let socket = scratch.join("docker.sock");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    // The sandbox removes its own groups and those whose names begin with theirs.
    let group = std::env::var("CORTEN_BENCH_CGROUP").unwrap_or_else(|_| "corten-bench".to_owned());
    let start = [
        "env".to_owned(),
        format!("PATH={path}"),
        dockerd.display().to_string(),
        format!("--host=unix://{}", socket.display()),
        format!("--data-root={}", scratch.join("docker").display()),
        format!("--exec-root={}", "/run/docker-bench"),
        format!("--pidfile={}", scratch.join("docker.pid").display()),
        format!("--userland-proxy-path={}", bin.join("docker-proxy").display()),
        format!("--cgroup-parent=/{group}-docker"),
    ];
    let client = match corten_testkit::skip::has_program("docker") {
        true => PathBuf::from("docker"),
        false => bin.join("docker-28.5"),
    };
    Engine::launch("docker", client, socket, start.to_vec(), scratch)
}

/// podman with a storage of its own.
#[derive(Debug)]
pub(crate) struct Podman {
    root: PathBuf,
}

impl Podman {
    fn prepare(scratch: &Path) -> Result<Self> {
        let podman = Self {
            root: scratch.join("podman"),
        };
        let archive = corten_testkit::programs::image("busybox")?;
        let status = podman
            .command()
            .args(["load", "-q", "-i"])
            .arg(archive)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "podman load ended with {status}");
        Ok(podman)
    }

    pub(crate) fn run(&self) -> Result<()> {
        let status = self.command().args(["run", "--rm", "busybox", "true"]).status()?;
        ensure!(status.success(), "podman run ended with {status}");
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        command
            .arg("--root")
            .arg(&self.root)
            .args(["--runroot", "/run/podman-bench"]);
        command
    }
}
