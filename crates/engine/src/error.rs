//! What goes wrong for a caller: a kind, which the daemon maps to an HTTP status, and Docker's text.

use std::fmt;

/// The classes of failure that an API client can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The thing named does not exist (404).
    NotFound,
    /// The request itself is wrong (400).
    InvalidParameter,
    /// The request does not fit the present state (409).
    Conflict,
    /// Nothing to do: the state is as wanted already (304, no body).
    NotModified,
    /// Refused by a rule (403).
    Forbidden,
    /// Something needed is not there at the moment (503).
    Unavailable,
    /// Known to Docker and not built here (501).
    NotImplemented,
    /// Everything else (500).
    Internal,
}

/// A failed operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Its class.
    pub kind: ErrorKind,
    /// Docker's text where Docker has one; never empty except for `NotModified`.
    pub message: String,
}

/// The result of an engine operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! constructor {
    ($(#[$doc:meta])* $name:ident, $kind:ident) => {
        $(#[$doc])*
        pub fn $name(message: impl Into<String>) -> Self {
            Self { kind: ErrorKind::$kind, message: message.into() }
        }
    };
}

impl Error {
    constructor!(
        /// The thing named does not exist.
        not_found, NotFound
    );
    constructor!(
        /// The request itself is wrong.
        invalid, InvalidParameter
    );
    constructor!(
        /// The request does not fit the present state.
        conflict, Conflict
    );
    constructor!(
        /// Refused by a rule.
        forbidden, Forbidden
    );
    constructor!(
        /// Not there at the moment.
        unavailable, Unavailable
    );
    constructor!(
        /// Known to Docker and not built here.
        not_implemented, NotImplemented
    );
    constructor!(
        /// Everything else.
        internal, Internal
    );

    /// The state is as wanted already.
    #[must_use]
    pub fn not_modified() -> Self {
        Self {
            kind: ErrorKind::NotModified,
            message: String::new(),
        }
    }

    /// Everything else, from the error that stopped `act`.
    pub(crate) fn caused(act: impl fmt::Display, cause: impl std::error::Error) -> Self {
        Self::internal(format!("{act}: {}", chain(&cause)))
    }
}

/// The texts of an error and of all that caused it, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = cause.source();
    }
    text
}
