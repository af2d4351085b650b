//! The user's terminal: raw mode and its restoration, size, detach keys.

mod keys;
mod raw;
mod size;

pub(crate) use keys::{DetachKeys, Matcher};
pub(crate) use raw::{make_raw, read_unseen, restore, restore_on_panic};
pub(crate) use size::{is_terminal, size};
