//! How a command fails: what is printed, what the user can do about it, and the exit code.

use std::io;

use corten_client::CallError;

use crate::access;
use crate::config::{EndpointError, HeadersError, RewriteError};
use crate::context::ContextError;
use crate::flag::FlagError;
use crate::format::TemplateError;

/// A command's failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For standard error, whole; nothing is printed if empty.
    pub(crate) text: String,
    /// What the user can do.
    pub(crate) hint: Option<String>,
    /// The program's exit code.
    pub(crate) code: u8,
}

/// Exit code of `run` and `create` when the engine or the options failed, not the container.
pub(crate) const ENGINE_FAILED: u8 = 125;

/// Exit code of commands that were given a template that is none.
pub(crate) const BAD_TEMPLATE: u8 = 64;

impl Failure {
    /// A failure with exit code 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            hint: None,
            code: 1,
        }
    }

    /// Ends with `code` and without a word.
    pub(crate) fn silent(code: u8) -> Self {
        Self {
            text: String::new(),
            hint: None,
            code,
        }
    }

    /// The same with another exit code.
    pub(crate) fn code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The same with advice.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let failure = Self::new(match &error {
            CallError::Connect { source, .. } if !is_absent(source) => format!("{error} ({source})"),
            _ => error.to_string(),
        });
        match error {
            CallError::Connect { host, .. } if host.starts_with("unix://") => {
                failure.hint("start the engine (`systemctl start corten`, or `cortend` as root), or name another one with -H or CORTEN_HOST")
            }
            CallError::Connect { .. } => {
                failure.hint("start the engine on that host, check the address, or name another engine with -H or CORTEN_HOST")
            }
            CallError::Broken { hint, .. } => failure.hint(hint),
            CallError::Tls(_) => {
                failure.hint("check --tlscacert, --tlscert and --tlskey, or the files in DOCKER_CERT_PATH")
            }
            CallError::Denied { host, .. } => failure.hint(access::advice(&host)),
            CallError::Transport { source, .. } if !source.is_parse() && !source.is_user() => {
                failure.hint("the engine went away, or the connection to it broke: see whether it is there again with `version`, then repeat the command")
            }
            CallError::Daemon { .. }
            | CallError::Transport { .. }
            | CallError::Decode { .. }
            | CallError::PathStat(_)
            | CallError::Encode { .. }
            | CallError::Request { .. }
            | CallError::NotUpgraded { .. }
            | CallError::Io(_) => failure,
        }
    }
}

/// Whether simply nobody listens; other reasons are worth a word.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<HeadersError> for Failure {
    fn from(error: HeadersError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<RewriteError> for Failure {
    fn from(error: RewriteError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<FlagError> for Failure {
    fn from(error: FlagError) -> Self {
        Self::new(error.to_string()).code(ENGINE_FAILED)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::silent(BROKEN_PIPE);
        }
        match error.raw_os_error() {
            Some(_) => Self::new(crate::option::pair::reason(&error)),
            None => Self::new(error.to_string()),
        }
    }
}

/// What a shell reports of a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

impl From<crate::stream::StreamError> for Failure {
    fn from(error: crate::stream::StreamError) -> Self {
        match error {
            crate::stream::StreamError::Write(error) => {
                Self::new(format!("write /dev/stdout: {}", crate::option::pair::reason(&error)))
            }
            other => Self::new(other.to_string()),
        }
    }
}
