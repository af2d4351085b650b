//! Why a process was not made, in Docker's words.

use serde::{Deserialize, Serialize};

/// What kind of failure, which decides the API's status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The program is not there (exit code 127).
    CommandNotFound,
    /// The program cannot be executed (exit code 126).
    CommandNotExecutable,
    /// User, working directory, mount source or another part of the request is wrong.
    InvalidRequest,
    /// The kernel or the host refused.
    Internal,
}

/// Why a process was not made. Nothing of the attempt is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct CreateError {
    /// What kind.
    pub kind: FailureKind,
    /// In the words that Docker's users know.
    pub message: String,
}

impl CreateError {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Internal, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidRequest, message)
    }
}

/// Names the step in which a system call failed.
pub(crate) trait Context<T> {
    /// The host's or the kernel's fault.
    fn internal<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, CreateError>;
    /// The request's fault.
    fn invalid<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, CreateError>;
}

impl<T, E: Into<std::io::Error>> Context<T> for Result<T, E> {
    fn internal<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, CreateError> {
        self.map_err(|error| {
            CreateError::internal(format!(
                "{}: {}",
                step().into(),
                reason::<std::io::Error>(&error.into())
            ))
        })
    }

    fn invalid<S: Into<String>>(self, step: impl FnOnce() -> S) -> Result<T, CreateError> {
        self.map_err(|error| {
            CreateError::invalid(format!(
                "{}: {}",
                step().into(),
                reason::<std::io::Error>(&error.into())
            ))
        })
    }
}

pub(crate) use corten_base::errno::words as reason;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_go_prints_them() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(reason(&error), "no such file or directory");
        let failed: Result<(), CreateError> = Err(error).invalid(|| "stat /x");
        assert_eq!(failed.unwrap_err().message, "stat /x: no such file or directory");
    }
}
