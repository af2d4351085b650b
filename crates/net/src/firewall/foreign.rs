//! Other people's firewalls: base chains that drop what we accept.

use std::fmt;

/// A setting outside our table that keeps packets from containers, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Whose it seems to be: `ufw`, `docker`, `table ip filter`.
    pub whose: String,
    /// What it does and what to do, one sentence each.
    pub advice: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.whose, self.advice)
    }
}
