//! Starting an exec session: compiled here, executed by the shim, which also gets the client's connection.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use corten_shim::protocol::{Attach, Exec, Failure, FailureKind, Reply, Request, Streams, Target};
use corten_sys::fault::boundary;

use super::registry::Session;
use crate::container::attach;
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::request::ExecStartOptions;
use crate::shim::ShimError;

/// An exec session about to start.
pub struct ExecTicket {
    core: Arc<Core>,
    session: Arc<Session>,
    size: Option<(u16, u16)>,
    raw: bool,
}

impl std::fmt::Debug for ExecTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecTicket")
            .field("id", &self.session.id)
            .finish_non_exhaustive()
    }
}

/// Checks that a session can start, and begins it.
pub(crate) fn prepare(core: &Arc<Core>, exec: &str, options: ExecStartOptions) -> Result<ExecTicket> {
    let session = core.execs.find(exec)?;
    super::check_running(&session.container, session.container.id.as_str())?;
    session.begin()?;
    let asked = session
        .config
        .console_size
        .map(|[rows, columns]| (clamp(rows), clamp(columns)));
    Ok(ExecTicket {
        core: Arc::clone(core),
        session,
        size: options.size.or(asked),
        raw: options.tty,
    })
}

fn clamp(cells: u32) -> u16 {
    u16::try_from(cells).unwrap_or(u16::MAX)
}

/// What an exec session that never ran is said to have ended with, where nothing better is known.
const FAILED: i32 = 126;

impl ExecTicket {
    /// Whether its output goes in Docker's frames; otherwise raw. The start decides, not the session's
    /// terminal (observed: dockerd 28.5).
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        !self.raw
    }

    /// Starts it and joins the client's connection, which is handed to the shim; `early_input` are bytes
    /// that came behind the request. A failure is for the stream (`...\r\n`): the headers are out.
    pub async fn connect(self, connection: OwnedFd, early_input: Vec<u8>) -> Result<()> {
        let config = &self.session.config;
        let keys = attach::detach_keys(Some(&config.detach_keys))?;
        let attach = Attach {
            target: Target::Exec(self.session.id.clone()),
            stdin: config.attach_stdin,
            stdout: config.attach_stdout,
            stderr: config.attach_stderr,
            multiplexed: self.multiplexed(),
            detach_keys: if config.tty { keys } else { Vec::new() },
            early_input,
        };
        self.start(Some(attach), vec![connection]).await
    }

    /// Starts it without a client.
    pub async fn detached(self) -> Result<()> {
        self.start(None, Vec::new()).await
    }

    async fn start(self, attach: Option<Attach>, descriptors: Vec<OwnedFd>) -> Result<()> {
        let started = self.try_start(attach, descriptors).await;
        if let Err((error, code)) = started {
            self.session.end(code);
            return Err(error);
        }
        Ok(())
    }

    async fn try_start(&self, attach: Option<Attach>, descriptors: Vec<OwnedFd>) -> Result<(), (Error, i32)> {
        let session = Arc::clone(&self.session);
        let prepared = move |core: &Core| {
            super::record_config(core, &session)?;
            super::plan::compile(core, &session)
        };
        let plan = blocking(&self.core, prepared).await;
        let plan = plan.map_err(|error| (error, FAILED))?;
        let config = &self.session.config;
        let container = &self.session.container;
        let exec = Exec {
            exec: self.session.id.clone(),
            plan,
            streams: Streams {
                terminal: config.tty,
                size: self.size.unwrap_or_default(),
                stdin: config.attach_stdin && attach.is_some(),
                stdin_once: true,
            },
            attach,
            exit_path: super::exit_path(&self.core, &self.session),
        };
        let shim = container
            .shim()
            .ok_or_else(|| (super::not_running(container), FAILED))?;
        super::publish(&self.core, &self.session, "exec_start");
        boundary("exec.start");
        let reply = shim.request(Request::Exec(Box::new(exec)), descriptors).await;
        boundary("exec.started");
        match reply {
            Ok(Reply::Created { pid }) => {
                self.session.running(pid);
                Ok(())
            }
            Ok(_) => Err((failed(&ShimError::Unexpected), FAILED)),
            Err(error) => {
                let code = code(&error);
                Err((failed(&error), code))
            }
        }
    }
}

/// The exit code that a failed start leaves: what is missing, also the directory to work in, is 127.
fn code(error: &ShimError) -> i32 {
    match error {
        ShimError::Failed(Failure {
            kind: FailureKind::InvalidRequest,
            message,
        }) if message.ends_with("no such file or directory") => 127,
        ShimError::Failed(Failure {
            kind: FailureKind::CommandNotFound,
            ..
        }) => 127,
        ShimError::Failed(_) | ShimError::Gone | ShimError::Unexpected | ShimError::TooLarge(_) => FAILED,
    }
}

/// Docker's words around a failure of the runtime.
const EXEC_FAILED: &str = "OCI runtime exec failed: exec failed: unable to start container process: ";

fn failed(error: &ShimError) -> Error {
    match error {
        ShimError::Failed(Failure {
            kind: FailureKind::NotRunning,
            message,
        }) => Error::conflict(message.clone()),
        ShimError::Failed(Failure { message, .. }) if message.starts_with("unable to find") => {
            Error::invalid(message.clone())
        }
        ShimError::Failed(failure) => {
            let message = format!("{EXEC_FAILED}{}", failure.message);
            match failure.kind {
                FailureKind::Internal => Error::internal(message),
                FailureKind::CommandNotFound
                | FailureKind::CommandNotExecutable
                | FailureKind::InvalidRequest
                | FailureKind::NotRunning => Error::invalid(message),
            }
        }
        ShimError::Gone | ShimError::Unexpected | ShimError::TooLarge(_) => {
            Error::internal(format!("{EXEC_FAILED}{error}"))
        }
    }
}
