//! What a start that failed says, and the exit code it leaves.

use corten_shim::protocol::{Failure, FailureKind};

use crate::error::{Error, ErrorKind};
use crate::shim::ShimError;
/// Docker's words around a failure of the runtime; clients look for them.
const CREATE_FAILED: &str = "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";

pub(super) fn shim_error(error: &ShimError) -> Error {
    let ShimError::Failed(Failure { kind, message }) = error else {
        return Error::internal(format!("{CREATE_FAILED}{error}"));
    };
    // Docker looks these up itself, before its runtime.
    if message.starts_with("unable to find") || message.starts_with("uids and gids must be") {
        return Error::internal(message.clone());
    }
    match kind {
        FailureKind::CommandNotFound | FailureKind::CommandNotExecutable | FailureKind::InvalidRequest => {
            Error::invalid(format!("{CREATE_FAILED}{message}"))
        }
        FailureKind::NotRunning | FailureKind::Internal => Error::internal(format!("{CREATE_FAILED}{message}")),
    }
}

/// The exit code that a failed start leaves, from Docker's phrases.
pub(super) fn exit_code(error: &Error) -> i32 {
    let says = |phrase: &str| error.message.contains(phrase);
    let command = error.kind == ErrorKind::InvalidParameter && says("exec: ");
    if command && (says("executable file not found") || says("no such file or directory")) {
        127
    } else if command || says("permission denied") {
        126
    } else {
        128
    }
}
