//! A refusal by the kernel, with its own words where it has any.

use std::{fmt, io};

/// The kernel refused a netlink request, or the socket failed.
#[derive(Debug)]
pub struct Error {
    /// Position of the refused message among those sent together, from zero.
    pub position: u32,
    /// The kernel's explanation (extended acknowledgement); empty if it gave none.
    pub text: String,
    source: io::Error,
}

impl Error {
    pub(crate) fn refused(position: u32, errno: i32, text: String) -> Self {
        Self {
            position,
            text,
            source: io::Error::from_raw_os_error(errno),
        }
    }

    pub(crate) fn malformed() -> Self {
        Self::from(io::Error::new(io::ErrorKind::InvalidData, "malformed netlink message"))
    }

    /// Whether the error is this one of errno(3), such as `libc::ENOENT`.
    #[must_use]
    pub fn is(&self, errno: i32) -> bool {
        self.source.raw_os_error() == Some(errno)
    }

    /// The error itself.
    #[must_use]
    pub fn io(&self) -> &io::Error {
        &self.source
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self {
            position: 0,
            text: String::new(),
            source,
        }
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::from(io::Error::from(errno))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        if error.text.is_empty() {
            error.source
        } else {
            Self::new(error.source.kind(), error.to_string())
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
