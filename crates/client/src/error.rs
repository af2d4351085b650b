//! Why a call failed. The texts are those that Docker's client prints, because scripts read them.

use std::io;

use http::StatusCode;

use crate::secure::TlsError;

/// A call to the engine did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there.
    #[error("Cannot connect to the Corten daemon at {host}. Is the corten daemon running?")]
    Connect {
        /// The address as a person writes it.
        host: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The socket's mode keeps this user out.
    #[error("permission denied while trying to connect to the Corten daemon socket at {host}")]
    Denied {
        /// The address as a person writes it.
        host: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// TLS or ssh did not let us through.
    #[error("error during connect: {request}: {reason}")]
    Broken {
        /// The request that was to be sent: `Get "https://far:2376/v1.51/info"`.
        request: String,
        /// What was said.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The certificates to be shown or trusted cannot be used.
    #[error("Failed to initialize: failed to retrieve context tls info: {0}")]
    Tls(#[from] TlsError),
    /// The engine answered with an error.
    #[error("Error response from daemon: {message}")]
    Daemon {
        /// The HTTP status, 400 and up.
        status: StatusCode,
        /// The engine's message.
        message: String,
    },
    /// The connection broke or carried something that is not HTTP.
    #[error("error during connect: {path}: {source}")]
    Transport {
        /// The request's path.
        path: String,
        /// What went wrong on the connection.
        #[source]
        source: hyper::Error,
    },
    /// The engine's answer is not what the API promises.
    #[error("cannot read the daemon's answer to {path}: {source}")]
    Decode {
        /// The request's path.
        path: String,
        /// What the reader stumbled over.
        #[source]
        source: serde_json::Error,
    },
    /// The engine did not say what a path is.
    #[error("{0}")]
    PathStat(#[source] corten_api::container::PathStatError),
    /// The request could not be written down.
    #[error("cannot send {path}: {source}")]
    Encode {
        /// The request's path.
        path: String,
        /// What the writer stumbled over.
        #[source]
        source: serde_json::Error,
    },
    /// A name contains what no request line can carry.
    #[error("cannot send {path}: {source}")]
    Request {
        /// The request's path.
        path: String,
        /// What is wrong with it.
        #[source]
        source: http::Error,
    },
    /// The engine did not turn the connection into a stream.
    #[error("unable to upgrade to tcp, received {status}")]
    NotUpgraded {
        /// The status it sent instead of 101.
        status: StatusCode,
    },
    /// Reading or writing an upgraded connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl CallError {
    /// Nobody could be reached at an address.
    pub(crate) fn connect(host: String, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied { host, source }
        } else {
            Self::Connect { host, source }
        }
    }

    /// The same error, about this request.
    pub(crate) fn about(self, request: impl FnOnce() -> String) -> Self {
        match self {
            Self::Broken { reason, hint, .. } => Self::Broken {
                request: request(),
                reason,
                hint,
            },
            other => other,
        }
    }

    /// The engine's message, or this error's own text.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Daemon { message, .. } => message.clone(),
            Self::Connect { .. }
            | Self::Denied { .. }
            | Self::Broken { .. }
            | Self::Tls(_)
            | Self::Transport { .. }
            | Self::Decode { .. }
            | Self::PathStat(_)
            | Self::Encode { .. }
            | Self::Request { .. }
            | Self::NotUpgraded { .. }
            | Self::Io(_) => self.to_string(),
        }
    }

    /// The engine's status, if it answered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Daemon { status, .. } | Self::NotUpgraded { status } => Some(*status),
            Self::Connect { .. }
            | Self::Denied { .. }
            | Self::Broken { .. }
            | Self::Tls(_)
            | Self::Transport { .. }
            | Self::Decode { .. }
            | Self::PathStat(_)
            | Self::Encode { .. }
            | Self::Request { .. }
            | Self::Io(_) => None,
        }
    }

    /// Whether the engine said that the named object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether the engine is too old for the version of the request.
    pub(crate) fn is_of_version(&self) -> bool {
        let Self::Daemon { status, message } = self else {
            return false;
        };
        // the second: engines before 1.24
        *status == StatusCode::BAD_REQUEST
            && ((message.starts_with("client version ") && message.contains(" is too new"))
                || message.starts_with("client is newer than server"))
    }

    /// Whether the engine went away, rather than refusing: it may be back soon. A cut-off answer is one too.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Connect { .. } | Self::Io(_) => true,
            Self::Decode { source, .. } => source.is_eof(),
            Self::Denied { .. }
            | Self::Broken { .. }
            | Self::Tls(_)
            | Self::Daemon { .. }
            | Self::PathStat(_)
            | Self::Encode { .. }
            | Self::Request { .. }
            | Self::NotUpgraded { .. } => false,
        }
    }

    /// Whether nothing answered at the address at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Denied { .. } | Self::Broken { .. } | Self::Tls(_)
        )
    }
}
