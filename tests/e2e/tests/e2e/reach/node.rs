//! Clients that run in node: dockerode, and what Portainer's pages and its proxy ask for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use corten_e2e::one;
use corten_testkit::{Outcome, Sandbox, programs, skip};

use super::certificates::Authority;
use super::{can_run, daemon, text};

const NODE: &str = "/usr/bin/node";

/// A program of this directory in node, in the sandbox, with these arguments.
fn node(sandbox: &Sandbox, script: &str, modules: &Path, arguments: &[&str]) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/e2e/reach")
        .join(script);
    let mut command = sandbox.command(NODE);
    command.arg(script).args(arguments).env("NODE_PATH", modules);
    Outcome::of(&mut command)?.success()?.says("fine").map(drop)
}

/// What scripts/setup takes from npm, if it is there.
fn modules() -> Result<Option<PathBuf>> {
    let modules = programs::target_directory()?.join("tools/node/node_modules");
    let there = modules.join("dockerode").is_dir() && Path::new(NODE).exists();
    if !there {
        skip::skip("dockerode", "no node with dockerode: scripts/setup installs them");
    }
    Ok(there.then_some(modules))
}

#[test]
fn dockerode_over_a_socket() -> Result<()> {
    let Some(modules) = modules()? else { return Ok(()) };
    one(&["busybox"], |case| {
        let socket = case.daemon.socket();
        node(&case.daemon.sandbox, "dockerode.js", &modules, &[&socket])
    })
}

#[test]
fn dockerode_over_tls() -> Result<()> {
    let Some(modules) = modules()? else { return Ok(()) };
    if !can_run("dockerode_over_tls")? {
        return Ok(());
    }
    let mut authority = None;
    let daemon = daemon(|sandbox| {
        let ours = authority.insert(Authority::new(&sandbox.scratch().join("pki"))?);
        ours.client("client")?;
        let mut flags = ours.daemon_flags()?;
        flags.extend(["--host".to_owned(), "tcp://0.0.0.0:2376".to_owned()]);
        Ok(flags)
    })?;
    let authority = authority.context("an authority")?;
    let file = |name: &str| text(&authority.path(name));
    let [ca, certificate, key] = [file("ca")?, file("client")?, file("client-key")?];
    let arguments = ["127.0.0.1", "2376", &ca, &certificate, &key];
    node(&daemon.sandbox, "dockerode.js", &modules, &arguments)?;
    daemon.leaves_nothing()
}

#[test]
fn the_pages_of_a_browser() -> Result<()> {
    if !Path::new(NODE).exists() {
        skip::skip("the_pages_of_a_browser", "no node: scripts/setup installs it");
        return Ok(());
    }
    one(&["busybox"], |case| {
        let socket = case.daemon.socket();
        node(&case.daemon.sandbox, "portainer.js", Path::new("/"), &[&socket])
    })
}
