//! The frame of the end-to-end cases: a daemon of its own for each, a client to drive it, and the
//! leak census at the end.
//!
//! A case that says nothing about one client runs with both, `docker` and `corten`, on one daemon.
//! `CORTEN_E2E_ENGINE=docker` runs the same cases on the reference engine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use corten_testkit::daemon::Engine;
use corten_testkit::{Daemon, DaemonOptions, Outcome, Sandbox, http, skip};
use serde_json::Value;

/// Longer than anything a case waits for on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Which program drives the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The unmodified `docker`.
    Docker,
    /// Our own.
    Corten,
}

/// A daemon and the client that a case uses.
#[derive(Debug)]
pub struct Case {
    /// The daemon in its sandbox.
    pub daemon: Daemon,
    /// What [`Case::run`] calls.
    pub client: Client,
}

impl Case {
    /// Runs the client with these words, in shell quoting but without expansion.
    pub fn run(&self, line: &str) -> Result<Outcome> {
        Outcome::of(&mut self.command(line)?)
    }

    /// The same with something on standard input.
    pub fn run_with_input(&self, line: &str, input: &[u8]) -> Result<Outcome> {
        Outcome::with_input(&mut self.command(line)?, input)
    }

    /// The client's command for these words.
    pub fn command(&self, line: &str) -> Result<std::process::Command> {
        let words = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match self.client {
            Client::Docker => Ok(self.daemon.docker_command(&words)),
            Client::Corten => self.daemon.corten_command(&words),
        }
    }

    /// Runs the client and expects success; the result is its trimmed output.
    pub fn ok(&self, line: &str) -> Result<String> {
        Ok(self.run(line)?.success()?.text().to_owned())
    }

    /// Runs the client and expects this exit code and this text in what it says.
    pub fn fails(&self, line: &str, code: i32, text: &str) -> Result<()> {
        self.run(line)?.code_is(code)?.mentions(text)?;
        Ok(())
    }

    /// Expects this trimmed output.
    pub fn says(&self, line: &str, want: &str) -> Result<()> {
        self.run(line)?.success()?.says(want)?;
        Ok(())
    }

    /// What `inspect` says about a container or image.
    pub fn inspect(&self, name: &str) -> Result<Value> {
        let text = self.ok(&format!("inspect {name}"))?;
        let mut list: Vec<Value> = serde_json::from_str(&text).with_context(|| format!("inspect says {text}"))?;
        ensure!(list.len() == 1, "inspect {name} says {text}");
        Ok(list.remove(0))
    }

    /// Asks the API itself: method, path, body; the answer's status and body.
    pub fn api(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let answer = http::request(&self.daemon.socket_outside(), method, path, body)?;
        Ok((answer.status, answer.text().trim_end().to_owned()))
    }

    /// Expects this status and error message of the API.
    pub fn refuses(&self, method: &str, path: &str, body: &str, status: u16, message: &str) -> Result<()> {
        let (got, text) = self.api(method, path, body)?;
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        let said = said["message"].as_str().unwrap_or(&text);
        ensure!(
            got == status && said == message,
            "{method} {path} {body}: want {status} {message:?}, got {got} {text}"
        );
        Ok(())
    }

    /// A script on the daemon's machine.
    pub fn script(&self, script: &str) -> Result<Outcome> {
        self.daemon.sandbox.script(script)
    }
}

/// Runs `body` on a fresh daemon with these test images, with both clients one after the other.
pub fn both(images: &[&str], body: impl Fn(&mut Case) -> Result<()>) -> Result<()> {
    both_on(DaemonOptions::default(), images, body)
}

/// The same for a daemon with options.
pub fn both_on(options: DaemonOptions, images: &[&str], body: impl Fn(&mut Case) -> Result<()>) -> Result<()> {
    on_daemon(options, images, |case| {
        for client in clients()? {
            case.client = client;
            body(case).with_context(|| format!("with client {client:?}"))?;
            case.daemon
                .leaves_nothing()
                .with_context(|| format!("after the case with client {client:?}"))?;
        }
        Ok(())
    })
}

/// Runs `body` on a fresh daemon with these test images, driven by `docker`.
pub fn one(images: &[&str], body: impl FnOnce(&mut Case) -> Result<()>) -> Result<()> {
    on_daemon(DaemonOptions::default(), images, body)
}

/// [`one`] for a daemon with options.
pub fn on_daemon(options: DaemonOptions, images: &[&str], body: impl FnOnce(&mut Case) -> Result<()>) -> Result<()> {
    if !skip::is_root() {
        skip::skip("end-to-end case", "needs root to make namespaces");
        return Ok(());
    }
    let mut daemon = Daemon::start_with(options)?;
    for image in images {
        daemon.load_image(image)?;
    }
    daemon.remember()?;
    let mut case = Case {
        daemon,
        client: Client::Docker,
    };
    let verdict = body(&mut case).and_then(|()| case.daemon.leaves_nothing());
    verdict.map_err(|error| anyhow::anyhow!("{error:#}\n{}", case.daemon.log_tail()))
}

/// Runs `body` with both clients, one after the other, on a fresh daemon that remaps (`--userns-remap`) to the
/// subordinate ids 200000 to 265535.
pub fn remapped(images: &[&str], body: impl Fn(&mut Case) -> Result<()>) -> Result<()> {
    if !skip::is_root() {
        skip::skip("remapped case", "needs root to make namespaces");
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::new()?);
    sandbox
        .script(
            "for f in subuid subgid; do echo nobody:200000:65536 > /tmp/$f.$$; mount --bind /tmp/$f.$$ /etc/$f; rm /tmp/$f.$$; done
             grep -q ^nobody: /etc/group || { (cat /etc/group; echo nobody:x:65534:) > /tmp/group.$$; mount --bind /tmp/group.$$ /etc/group; rm /tmp/group.$$; }",
        )?
        .success()?;
    let options = DaemonOptions {
        arguments: vec!["--userns-remap=nobody".to_owned()],
        ..DaemonOptions::default()
    };
    let mut daemon = Daemon::start_in(sandbox, options)?;
    for image in images {
        daemon.load_image(image)?;
    }
    daemon.remember()?;
    let mut case = Case {
        daemon,
        client: Client::Docker,
    };
    for client in clients()? {
        case.client = client;
        let verdict = body(&mut case).and_then(|()| case.daemon.leaves_nothing());
        verdict.with_context(|| format!("with client {client:?}: {}", case.daemon.log_tail()))?;
    }
    Ok(())
}

/// Whether the reference engine is under test, which does not have what only Corten has.
pub fn is_reference() -> Result<bool> {
    Ok(Engine::chosen()? == Engine::Docker)
}

fn clients() -> Result<Vec<Client>> {
    Ok(if is_reference()? {
        vec![Client::Docker]
    } else {
        vec![Client::Docker, Client::Corten]
    })
}

/// Splits a line into words at blanks; single and double quotes keep them together.
pub fn words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\n') => words.extend(word.take()),
            (Some(_) | None, _) => word.get_or_insert_default().push(c),
        }
    }
    ensure!(quote.is_none(), "a quote is open in {line:?}");
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_words_as_a_shell_would() {
        assert_eq!(
            words("run -e A='1 2' \"it's\" ''").unwrap(),
            ["run", "-e", "A=1 2", "it's", ""]
        );
        assert!(words("'open").is_err());
    }
}
