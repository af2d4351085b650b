//! API versions: what is served, how versions compare, what a request may ask for.

use std::fmt;
use std::str::FromStr;

/// A version like `1.51`. Compared number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Before the dot.
    pub major: u32,
    /// After it.
    pub minor: u32,
}

/// The newest version served.
pub const MAX: ApiVersion = ApiVersion::new(1, 51);

/// The oldest version served.
pub const MIN: ApiVersion = ApiVersion::new(1, 24);

/// The version asked for is not served. Texts: observed, dockerd 28.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionError {
    /// Newer than [`MAX`].
    TooNew(String),
    /// Older than [`MIN`].
    TooOld(String),
}

impl ApiVersion {
    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The version that a path's prefix (without `v`) asks for.
    ///
    /// # Errors
    /// It is not between [`MIN`] and [`MAX`].
    pub fn requested(text: &str) -> Result<Self, VersionError> {
        let mut parts = text.split('.').map(|part| {
            part.parse::<u32>()
                .unwrap_or(if part.is_empty() { 0 } else { u32::MAX })
        });
        let version = Self::new(parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        if version > MAX || (version == MAX && parts.any(|part| part > 0)) {
            return Err(VersionError::TooNew(text.to_owned()));
        }
        if version < MIN {
            return Err(VersionError::TooOld(text.to_owned()));
        }
        Ok(version)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self::new(major.parse()?, minor.parse()?))
    }
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooNew(version) => {
                write!(
                    f,
                    "client version {version} is too new. Maximum supported API version is {MAX}"
                )
            }
            Self::TooOld(version) => write!(
                f,
                "client version {version} is too old. Minimum supported API version is {MIN}, \
                 please upgrade your client to a newer version"
            ),
        }
    }
}

impl std::error::Error for VersionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_not_text() {
        assert!(ApiVersion::new(1, 9) < ApiVersion::new(1, 24));
        assert_eq!("1.41".parse(), Ok(ApiVersion::new(1, 41)));
        assert!("x".parse::<ApiVersion>().is_err());
    }

    #[test]
    fn what_a_request_may_ask_for() {
        for good in ["1.24", "1.51", "1.51.0", "1.40"] {
            assert!(ApiVersion::requested(good).is_ok(), "{good}");
        }
        for new in ["1.52", "2", "1.51.1", "9.9", "1.99999999999999999999"] {
            assert!(
                matches!(ApiVersion::requested(new), Err(VersionError::TooNew(_))),
                "{new}"
            );
        }
        for old in ["1.23", "1", "0.1", "1.9"] {
            assert!(
                matches!(ApiVersion::requested(old), Err(VersionError::TooOld(_))),
                "{old}"
            );
        }
        let error = ApiVersion::requested("1.99").unwrap_err();
        assert_eq!(
            error.to_string(),
            "client version 1.99 is too new. Maximum supported API version is 1.51"
        );
    }
}
