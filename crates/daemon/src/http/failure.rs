//! The one place where failures become HTTP statuses.

use corten_api::ErrorBody;
use corten_api::filters::FilterError;
use corten_api::json::DecodeError;
use corten_engine::{Error, ErrorKind};
use http::StatusCode;

/// A call that failed: status and Docker's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: StatusCode,
    /// For the body; unused with 304.
    pub message: String,
}

impl Failure {
    /// The request is wrong (400).
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The thing named does not exist (404).
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Not built yet (501), by the name of the call or option.
    #[must_use]
    pub fn not_built(name: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, format!("{name} is not implemented yet"))
    }

    /// Our own fault (500).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// Any status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The error body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        corten_api::json::encode(&ErrorBody {
            message: self.message.clone(),
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::InvalidParameter => StatusCode::BAD_REQUEST,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::NotModified => StatusCode::NOT_MODIFIED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.message)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        Self::invalid(error.to_string())
    }
}
