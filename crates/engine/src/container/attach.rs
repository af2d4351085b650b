//! Joining clients to a container's streams.
//!
//! A client that asks before the start gets its answer, and starts the container at once, while its
//! connection is still being handed over here. Therefore the start waits for every client that was
//! promised ([`Expected`]), and joins it before the program executes, so that no byte is lost.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use corten_shim::protocol::{Attach, Request, Target};
use tokio::sync::oneshot;

use corten_base::Timestamp;

use super::Container;
use super::owner::{Answer, Message, Owner};
use super::phase::Phase;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event::Subject;
use crate::logs::{self, LogStream};
use crate::request::{AttachOptions, LogOptions};

/// A connection that waits for its container.
#[derive(Debug)]
pub(crate) struct PendingAttach {
    pub(crate) attach: Attach,
    pub(crate) connection: OwnedFd,
}

/// How long a start waits for all promised connections together; handing one over takes microseconds.
const EXPECTED_LIMIT: Duration = Duration::from_secs(2);

/// Clients that asked before the start, in order.
#[derive(Debug, Default)]
pub(crate) struct Expected(Mutex<Vec<oneshot::Receiver<PendingAttach>>>);

impl Expected {
    /// Promises a client; its connection is sent later, or the sender is dropped.
    fn promise(&self) -> oneshot::Sender<PendingAttach> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(receiver);
        sender
    }

    /// The connections of those that keep the promise in time.
    pub(super) async fn take(&self) -> Vec<PendingAttach> {
        let promised = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let deadline = tokio::time::Instant::now() + EXPECTED_LIMIT;
        let mut clients = Vec::with_capacity(promised.len());
        for receiver in promised {
            if let Ok(Ok(client)) = tokio::time::timeout_at(deadline, receiver).await {
                clients.push(client);
            }
        }
        clients
    }
}

/// A client about to be joined.
pub struct AttachTicket {
    core: Arc<Core>,
    container: Arc<Container>,
    options: AttachOptions,
    keys: Vec<u8>,
    /// Where the connection goes if the container does not run yet.
    promise: Option<oneshot::Sender<PendingAttach>>,
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
                "Container {reference} is paused, unpause the container before attach"
            )));
        }
        Phase::Restarting(_) => {
            return Err(Error::conflict(format!(
                "Container {reference} is restarting, wait until the container is running"
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
    let waits = options.stream && container.look().life.phase.running().is_none();
    let promise = waits.then(|| container.expected.promise());
    Ok(AttachTicket {
        core: Arc::clone(core),
        promise,
        container,
        options,
        keys,
    })
}

impl AttachTicket {
    /// Whether its output goes in Docker's frames; otherwise raw.
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        !self.container.effective.config.tty
    }

    /// Hands the client's connection over: to the shim if the container runs, else it waits for the start.
    /// `early_input` are bytes that came behind the request.
    pub async fn connect(self, connection: OwnedFd, early_input: Vec<u8>) -> Result<()> {
        if self.options.logs {
            let options = LogOptions {
                stdout: self.options.stdout,
                stderr: self.options.stderr,
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
        let mut attach = PendingAttach { attach, connection };
        if let Some(promise) = self.promise {
            match promise.send(attach) {
                Ok(()) => {
                    let subject = Subject::Container(&self.container);
                    self.core.events.publish(subject, "attach", &[], Timestamp::now());
                    return Ok(());
                }
                // The start has not waited so long.
                Err(late) => attach = late,
            }
        }
        let (answer, answered) = oneshot::channel();
        self.container.tell(Message::Attach { attach, answer }).await?;
        answered.await.map_err(|_gone| self.container.gone())?
    }
}

/// Writes the log so far to a client's connection.
async fn replay(mut log: LogStream, connection: &OwnedFd) -> Result<()> {
    let failed = |error: std::io::Error| Error::caused("replay the log", error);
    let copy = connection.try_clone().map_err(failed)?;
    while let Some(chunk) = log.next().await {
        let chunk = chunk?;
        let copy = copy.try_clone().map_err(failed)?;
        let written = tokio::task::spawn_blocking(move || write_all(&copy, &chunk)).await;
        // A client that left needs no log.
        if !matches!(written, Ok(Ok(()))) {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes everything, whether the descriptor blocks or not.
fn write_all(connection: &OwnedFd, mut bytes: &[u8]) -> std::io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    while !bytes.is_empty() {
        match rustix::io::write(connection, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::AGAIN) => {
                poll(&mut [PollFd::new(connection, PollFlags::OUT)], None)?;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Owner {
    pub(super) async fn attach(&mut self, attach: PendingAttach, answer: Answer) {
        let result = match (&self.run, self.life.phase.running()) {
            (Some(run), Some(_)) => {
                let request = Request::Attach(attach.attach);
                let joined = run.shim.ask(request, vec![attach.connection]).await;
                joined.map_err(|error| Error::internal(error.to_string()))
            }
            // It has ended meanwhile: closing the connection is the answer.
            _ => Ok(()),
        };
        if result.is_ok() {
            self.publish_event("attach", &[]);
        }
        // A client that left does not want it.
        drop(answer.send(result));
    }
}

/// Docker's default keys: ctrl-p, ctrl-q.
const DEFAULT_KEYS: &[u8] = &[16, 17];

/// The bytes of `ctrl-p,ctrl-q` or `a,ctrl-@`; `None` and empty: the default.
pub fn detach_keys(text: Option<&str>) -> Result<Vec<u8>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(DEFAULT_KEYS.to_vec());
    };
    let wrong = |key: &str| {
        Error::invalid(format!(
            "Invalid detach keys ({text}) provided: Unknown character: '{key}'"
        ))
    };
    text.split(',')
        .map(|key| key_byte(key).ok_or_else(|| wrong(key)))
        .collect()
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

    #[tokio::test]
    async fn a_start_waits_for_promised_clients_only() {
        let expected = Arc::new(Expected::default());
        drop(expected.promise());
        let kept = expected.promise();
        let waiting = tokio::spawn({
            let expected = Arc::clone(&expected);
            async move { expected.take().await.len() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let attach = Attach {
            target: Target::Container,
            stdin: false,
            stdout: true,
            stderr: true,
            multiplexed: true,
            detach_keys: Vec::new(),
            early_input: Vec::new(),
        };
        let connection = std::fs::File::open("/dev/null").unwrap().into();
        kept.send(PendingAttach { attach, connection }).unwrap();
        assert_eq!(waiting.await.unwrap(), 1);
        assert_eq!(expected.take().await.len(), 0);
    }

    #[test]
    fn keys() {
        assert_eq!(detach_keys(None).unwrap(), [16, 17]);
        assert_eq!(detach_keys(Some("a,ctrl-b,ctrl-@,ctrl-_")).unwrap(), [b'a', 2, 0, 31]);
        for bad in ["ctrl-", "ctrl-!", "abc", "a,,b"] {
            assert!(detach_keys(Some(bad)).is_err(), "{bad}");
        }
    }
}
