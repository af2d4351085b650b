//! Joining clients to a container's streams. A connection given before the start waits with the owner
//! and is joined before the program executes, so that no byte is lost.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use corten_base::Timestamp;
use corten_shim::protocol::{Attach, Request, Target};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Container;
use super::clients::{Expected, Place};
use super::phase::Phase;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::logs::{self, LogStream};
use crate::request::{AttachOptions, LogOptions};

/// A connection that waits for its container.
pub(crate) struct PendingAttach {
    pub(crate) attach: Attach,
    pub(crate) connection: OwnedFd,
}

/// A client about to be joined.
pub struct AttachTicket {
    core: Arc<Core>,
    container: Arc<Container>,
    options: AttachOptions,
    keys: Vec<u8>,
    expected: Expected,
}

impl std::fmt::Debug for AttachTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachTicket")
            .field("container", &self.container.id)
            .finish_non_exhaustive()
    }
}

/// Checks that a client can be joined.
pub(crate) fn prepare(core: &Arc<Core>, reference: &str, options: AttachOptions) -> Result<AttachTicket> {
    let container = core.containers.find(reference)?;
    let id = &container.id;
    match &container.look().life.phase {
        Phase::Paused(_) => {
            return Err(Error::conflict(format!(
                "container {reference} is paused, unpause the container before attach"
            )));
        }
        Phase::Restarting(_) => {
            return Err(Error::conflict(format!(
                "container {reference} is restarting, wait until the container is running"
            )));
        }
        Phase::Removing(_) | Phase::Dead(_) => {
            return Err(Error::conflict(format!(
                "container {id} is marked for removal and cannot be attached to"
            )));
        }
        Phase::Created(_) | Phase::Running(_) | Phase::Exited(_) => {}
    }
    let keys = detach_keys(options.detach_keys.as_deref())?;
    let keys = if container.effective.config.tty {
        keys
    } else {
        Vec::new()
    };
    let expected = container.clients.expect();
    Ok(AttachTicket {
        core: Arc::clone(core),
        container,
        options,
        keys,
        expected,
    })
}

impl AttachTicket {
    /// Whether its output goes in Docker's frames; otherwise raw.
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        !self.container.effective.config.tty && !self.options.raw
    }

    /// Hands the client's connection over: to the shim if the container runs, else it waits for the start.
    /// `early_input` are bytes that came behind the request.
    pub async fn connect(self, connection: OwnedFd, early_input: Vec<u8>) -> Result<()> {
        if self.options.logs {
            let options = LogOptions {
                stdout: self.options.stdout,
                stderr: self.options.stderr,
                raw: self.options.raw,
                ..LogOptions::default()
            };
            let log = logs::open(&self.core, &self.container, options).await?;
            replay(log, &connection).await?;
        }
        if !self.options.stream {
            return Ok(());
        }
        let attach = Attach {
            target: Target::Container,
            stdin: self.options.stdin && self.container.effective.config.open_stdin,
            stdout: self.options.stdout,
            stderr: self.options.stderr,
            multiplexed: self.multiplexed(),
            detach_keys: self.keys,
            early_input,
        };
        let placed = self.expected.take(PendingAttach { attach, connection });
        drop(self.expected);
        match placed {
            Place::Waits | Place::Ended => {}
            Place::Shim(shim, PendingAttach { attach, connection }) => {
                let joined = shim.ask(Request::Attach(attach), vec![connection]).await;
                // One that has ended in the meantime has nothing more to say; the connection is closed.
                joined.unwrap_or_else(|error| tracing::debug!(%error, "a client came too late"));
            }
        }
        let subject = crate::event::Subject::Container(&self.container);
        self.core.events.publish(subject, "attach", &[], Timestamp::now());
        Ok(())
    }
}

/// Writes the log so far to a client's connection, as slowly as the client takes it.
async fn replay(mut log: LogStream, connection: &OwnedFd) -> Result<()> {
    let failed = |error: std::io::Error| Error::caused("replay the log", error);
    let copy = connection.try_clone().map_err(failed)?;
    let copy = crate::ready::watch(copy, Interest::WRITABLE).map_err(failed)?;
    while let Some(chunk) = log.next().await {
        // A client that left needs no log.
        if write_all(&copy, &chunk?).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn write_all(connection: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let mut guard = connection.writable().await?;
        match guard.try_io(|connection| Ok(rustix::io::write(connection.get_ref(), bytes)?)) {
            Ok(Ok(count)) => bytes = bytes.get(count..).unwrap_or_default(),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(Err(error)) => return Err(error),
            Err(_would_block) => {}
        }
    }
    Ok(())
}

/// Docker's default keys: ctrl-p, ctrl-q.
const DEFAULT_KEYS: &[u8] = &[16, 17];

/// The bytes of `ctrl-p,ctrl-q` or `a,ctrl-@`; `None` and empty: the default.
pub fn detach_keys(text: Option<&str>) -> Result<Vec<u8>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(DEFAULT_KEYS.to_vec());
    };
    let wrong = || Error::invalid(format!("Invalid detach keys ({text}) provided"));
    text.split(',').map(|key| key_byte(key).ok_or_else(wrong)).collect()
}

fn key_byte(key: &str) -> Option<u8> {
    if let [byte] = key.as_bytes() {
        return Some(*byte);
    }
    match key.strip_prefix("ctrl-")?.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
        [sign] => b"@[\\]^_"
            .iter()
            .position(|known| known == sign)
            .map(|at| [0, 27, 28, 29, 30, 31][at]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert_eq!(detach_keys(None).unwrap(), [16, 17]);
        assert_eq!(detach_keys(Some("a,ctrl-b,ctrl-@,ctrl-_")).unwrap(), [b'a', 2, 0, 31]);
        for bad in ["ctrl-", "ctrl-!", "abc", "a,,b"] {
            assert!(detach_keys(Some(bad)).is_err(), "{bad}");
        }
    }
}
