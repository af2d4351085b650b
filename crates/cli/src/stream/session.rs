//! An attached session: one thread per direction on a blocking connection, so that a stopped reader of
//! our output stops neither input nor signals. The async side waits for how it ended.

use std::io::{self, Read as _, Write as _};
use std::thread;

use corten_client::{Duplex, Hijacked};
use tokio::sync::mpsc;

use super::demultiplex::{Demultiplexer, StreamError, write_stdout};
use crate::failure::Failure;
use crate::terminal::{self, DetachKeys, Matcher};

/// Bytes read at once from the container: enough to gather thousands of log lines per write.
const OUTPUT_CHUNK: usize = 256 << 10;
/// Bytes read at once from the user.
const INPUT_CHUNK: usize = 32 << 10;

/// Which streams a session joins.
#[derive(Debug, Clone)]
pub(crate) struct Attached {
    /// Our input goes in.
    pub(crate) input: bool,
    /// Output comes out.
    pub(crate) output: bool,
    /// The container has a terminal: output is raw, and ours becomes raw too if input goes in.
    pub(crate) tty: bool,
    /// Keys that end the session and leave the container running; only looked for with a terminal.
    pub(crate) detach_keys: DetachKeys,
}

/// How a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The container closed its output, or input ended and there is no output.
    Closed,
    /// The user typed the detach keys.
    Detached,
    /// Output could not be read or passed on.
    Failed(StreamError),
}

/// A running session.
#[derive(Debug)]
pub(crate) struct Session {
    ended: mpsc::Receiver<End>,
    connection: Duplex,
    raw: bool,
}

impl Session {
    /// Starts both directions.
    pub(crate) fn start(hijacked: Hijacked, attached: Attached) -> Result<Self, Failure> {
        let (report, ended) = mpsc::channel(2);
        let connection = hijacked.stream.try_clone()?;
        let raw = attached.tty && attached.input && terminal::is_terminal();
        if raw {
            terminal::make_raw()?;
        }
        if attached.output {
            let (stream, report) = (hijacked.stream.try_clone()?, report.clone());
            let (early, tty) = (hijacked.early, attached.tty);
            thread::Builder::new().name("output".to_owned()).spawn(move || {
                let end = pump_output(stream, &early, tty).map_or_else(End::Failed, |()| End::Closed);
                report.blocking_send(end).ok();
            })?;
        }
        if attached.input {
            let stream = hijacked.stream;
            thread::Builder::new().name("input".to_owned()).spawn(move || {
                let detached = pump_input(stream, &attached);
                if detached {
                    report.blocking_send(End::Detached).ok();
                } else if !attached.output {
                    report.blocking_send(End::Closed).ok();
                }
            })?;
        }
        Ok(Self { ended, connection, raw })
    }

    /// Waits for the end and gives the terminal back.
    pub(crate) async fn ended(&mut self) -> End {
        let end = self.ended.recv().await.unwrap_or(End::Closed);
        if self.raw {
            terminal::restore();
        }
        end
    }

    /// Ends the session from our side.
    pub(crate) fn close(self) {
        if self.raw {
            terminal::restore();
        }
        // Already closed by the other side is as good.
        self.connection.close().ok();
    }
}

fn pump_output(mut stream: Duplex, early: &[u8], tty: bool) -> Result<(), StreamError> {
    let mut frames = Demultiplexer::default();
    let mut pass = |bytes: &[u8]| if tty { write_stdout(bytes) } else { frames.push(bytes) };
    pass(early)?;
    let mut buffer = vec![0; OUTPUT_CHUNK];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => pass(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(StreamError::Read(error)),
        }
    }
}

/// Passes input on until it ends, the container no longer reads it, or the detach keys come (true).
fn pump_input(mut stream: Duplex, attached: &Attached) -> bool {
    let mut matcher = attached.tty.then(|| Matcher::new(attached.detach_keys.clone()));
    let mut buffer = vec![0; INPUT_CHUNK];
    let mut input = io::stdin().lock();
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let written = match &mut matcher {
            None => stream.write_all(&buffer[..length]),
            Some(matcher) => {
                let (passed, detached) = matcher.feed(&buffer[..length]);
                let written = stream.write_all(&passed);
                if detached {
                    return true;
                }
                written
            }
        };
        if written.is_err() {
            return false;
        }
    }
    // The container sees the end of its input; a connection that is already gone needs none.
    stream.close_write().ok();
    false
}
