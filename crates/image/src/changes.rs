//! Dockerfile instructions given to `import --change` and `commit --change`, applied to a configuration.

use crate::config::Config;

/// A change is wrong. Displays as Docker's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChangeError(pub String);

/// Applies `changes` in order to `config`.
///
/// # Errors
/// At the first wrong one, with Docker's message.
pub fn apply(config: &mut Config, changes: &[String]) -> Result<(), ChangeError> {
    let _unused = (config, changes);
    unimplemented!("apply changes")
}
