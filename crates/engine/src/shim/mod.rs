//! The daemon's side of a container's keeper: a task per connection that pairs requests with replies
//! and passes news on, and the end of the process itself.
//!
//! Invariant: when the connection breaks, every waiting request gets [`ShimError::Gone`] and the news
//! end with [`News::Gone`], exactly once.

mod connection;
mod process;

pub(crate) use connection::{News, ShimError, ShimHandle, open};
pub(crate) use process::ShimProcess;
