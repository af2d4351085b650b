//! What each request does.

use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::Winsize;

use super::poll::Number;
use super::process::Process;
use super::{FIRST_PROCESS, Keeper};
use crate::protocol::{Attach, Envelope, Failure, FailureKind, Message, Reply, Request, StateReply, Target, VERSION};

impl Keeper {
    pub(super) fn answer(&mut self, daemon: Number, envelope: Envelope, descriptors: Vec<OwnedFd>) {
        let Envelope { number, request } = envelope;
        let result = match request {
            Request::Namespace(network) => self.enter_early(&network),
            Request::Create(create) => self.create(*create),
            Request::Network(setup) => self.set_up_network(setup, descriptors),
            Request::Rewire(setup) => self.rewire(setup, descriptors),
            Request::Start => self.start(),
            Request::Exec(exec) => self.exec(*exec, descriptors),
            Request::Attach(attach) => self.attach(&attach, descriptors),
            Request::Resize { target, rows, columns } => self.resize(&target, rows, columns),
            Request::Signal { target, signal } => self.signal(&target, signal),
            Request::Upgrade { program } => Err(self.upgrade(&program, daemon, number)),
            Request::State => self.state(),
            Request::Release => self.release_on_request(),
        };
        let reply = result.unwrap_or_else(Reply::Failed);
        self.send(daemon, &Message::Reply { number, reply });
    }

    fn attach(&mut self, attach: &Attach, descriptors: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let socket = one(descriptors)?;
        let (process, _) = self.find(&attach.target)?;
        self.join(socket, process, attach);
        Ok(Reply::Done)
    }

    /// A process without a terminal has no size, and setting it is no error (observed: dockerd 28.5).
    fn resize(&mut self, target: &Target, rows: u16, columns: u16) -> Result<Reply, Failure> {
        let (_, process) = self.find(target)?;
        let Some(console) = &process.console else {
            return Ok(Reply::Done);
        };
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(console, size)
            .map_err(|error| internal(format!("cannot resize the terminal: {error}")))?;
        Ok(Reply::Done)
    }

    fn signal(&mut self, target: &Target, signal: i32) -> Result<Reply, Failure> {
        let (_, process) = self.find(target)?;
        match corten_sys::signal::send(process.pidfd.as_fd(), signal) {
            Ok(()) => Ok(Reply::Done),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
                Err(not_running(target))
            }
            Err(error) => Err(invalid(format!("cannot send signal {signal}: {error}"))),
        }
    }

    fn state(&mut self) -> Result<Reply, Failure> {
        let container = self
            .container
            .as_ref()
            .ok_or_else(|| invalid("no container was created".to_owned()))?;
        let execs = self.processes.values().filter(|process| process.ended.is_none());
        let execs = execs.filter_map(|process| match &process.target {
            Target::Container => None,
            Target::Exec(exec) => Some((exec.clone(), process.pid)),
        });
        Ok(Reply::State(Box::new(StateReply {
            version: VERSION,
            container: container.id.clone(),
            shim_pid: std::process::id(),
            pid: container.pid,
            started_at: container.started_at,
            exit: container.exit.clone(),
            out_of_memory: container.out_of_memory,
            execs: execs.collect(),
        })))
    }

    /// The process that a request means; one that has ended and is not reported yet still has streams.
    pub(super) fn find(&mut self, target: &Target) -> Result<(Number, &mut Process), Failure> {
        let found = match target {
            Target::Container => self.processes.get_key_value(&FIRST_PROCESS),
            Target::Exec(_) => self.processes.iter().find(|(_, process)| process.target == *target),
        };
        let number = found.map(|(number, _)| *number).ok_or_else(|| not_running(target))?;
        let process = self.processes.get_mut(&number).expect("found just now");
        Ok((number, process))
    }
}

/// The one connection that belongs to a request.
fn one(descriptors: Vec<OwnedFd>) -> Result<OwnedFd, Failure> {
    descriptors
        .into_iter()
        .next()
        .ok_or_else(|| invalid("the request has no connection".to_owned()))
}

pub(super) fn invalid(message: String) -> Failure {
    Failure {
        kind: FailureKind::InvalidRequest,
        message,
    }
}

pub(super) fn internal(message: String) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        message,
    }
}

pub(super) fn not_running(target: &Target) -> Failure {
    let message = match target {
        Target::Container => "the container is not running".to_owned(),
        Target::Exec(exec) => format!("the exec session {} is not running", exec.short()),
    };
    Failure {
        kind: FailureKind::NotRunning,
        message,
    }
}

/// A failure of the runtime in the protocol's terms.
pub(super) fn from_runtime(error: corten_runtime::create::CreateError) -> Failure {
    use corten_runtime::create::FailureKind as Kind;
    let kind = match error.kind {
        Kind::CommandNotFound => FailureKind::CommandNotFound,
        Kind::CommandNotExecutable => FailureKind::CommandNotExecutable,
        Kind::InvalidRequest => FailureKind::InvalidRequest,
        Kind::Internal => FailureKind::Internal,
    };
    Failure {
        kind,
        message: error.message,
    }
}
