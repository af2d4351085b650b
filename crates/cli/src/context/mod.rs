//! Contexts: named engines, kept where and how Docker's client keeps them, so that both read the other's.
//!
//! ```text
//! <config>/contexts/meta/<sha256 of the name>/meta.json                       name, description, endpoints
//! <config>/contexts/tls/<sha256 of the name>/docker/{ca,cert,key}.pem         private to the user
//! ```
//! The context `default` is not kept: it is what flags and variables say. What else stands in a file
//! (other endpoints, other metadata) is kept as it is.

mod archive;
mod endpoint;
mod meta;
mod store;

use corten_client::{Endpoint, ParseHostError};

pub(crate) use archive::{read, write};
pub(crate) use endpoint::{Settings, settings};
pub(crate) use meta::{Meta, go_json};
pub(crate) use store::{Material, Store};

/// The context that is always there.
pub(crate) const DEFAULT: &str = "default";
/// The only endpoint that is read.
pub(crate) const DOCKER: &str = "docker";

/// A context is not there, or not as it should be. The texts are Docker's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContextError {
    #[error("context {name:?}: context not found: open {path}: no such file or directory")]
    NotFound { name: String, path: String },
    #[error("context {name:?}: parsing {path}: {reason}")]
    Broken { name: String, path: String, reason: String },
    #[error("context {0:?}: cannot find docker endpoint in context")]
    NoEndpoint(String),
    #[error("context name {0:?} is invalid, names are validated against regexp \"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"")]
    Name(String),
    #[error("{DEFAULT:?} is a reserved context name")]
    Reserved,
    #[error("context {0:?} already exists")]
    Exists(String),
    #[error("{act} {path}: {reason}")]
    File {
        act: &'static str,
        path: String,
        reason: String,
    },
    #[error("unrecognized config key: {0}")]
    Key(String),
    #[error("skip-tls-verify: parsing {0:?}: invalid syntax")]
    Bool(String),
    #[error("invalid docker endpoint options: failed to retrieve context tls info: {0} seems invalid")]
    Pem(&'static str),
    #[error("unable to apply docker endpoint options: {0}")]
    Host(#[from] ParseHostError),
    #[error("{0}: unexpected context file")]
    Unexpected(String),
    #[error("invalid context: no metadata found")]
    NoMetadata,
    #[error("invalid context: the archive is larger than {0} bytes")]
    TooLarge(u64),
    #[error("zip archives are not supported: import a tar archive")]
    Zip,
    #[error("{0}")]
    Archive(String),
    #[error("cannot find the engine of the context in use: {0}")]
    Current(String),
}

/// Refuses names that no context may be given.
pub(crate) fn check_new_name(name: &str) -> Result<(), ContextError> {
    if name == DEFAULT {
        return Err(ContextError::Reserved);
    }
    check_name(name)
}

/// Refuses names that no context can have.
pub(crate) fn check_name(name: &str) -> Result<(), ContextError> {
    let allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"_.+-".contains(&letter);
    match name.as_bytes() {
        [first, rest @ ..] if first.is_ascii_alphanumeric() && !rest.is_empty() && rest.iter().all(|l| allowed(*l)) => {
            Ok(())
        }
        _ => Err(ContextError::Name(name.to_owned())),
    }
}

/// What the context `default` would say in a file: the engine that flags and variables lead to.
pub(crate) fn of_default(address: &str, endpoint: Option<Endpoint>) -> (Meta, Material) {
    let tls = endpoint.and_then(|endpoint| endpoint.tls);
    let skip = tls.as_ref().is_some_and(|tls| tls.skip_verify);
    let mut meta = Meta::new(DEFAULT, "");
    meta.set_engine(address, skip);
    (meta, Material::of(tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["ab", "A_b.c+d-e", "0a"] {
            assert!(check_new_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-a", "a b", "a/b", "..", "default", "é1"] {
            assert!(check_new_name(bad).is_err(), "{bad}");
        }
        assert_eq!(
            check_new_name("default").unwrap_err().to_string(),
            "\"default\" is a reserved context name"
        );
    }
}
