//! What passes between a client and a process, pure: frames of output, and the keys that detach.

mod detach;
mod frame;

pub use detach::{DetachKeys, Typed};
pub use frame::header;
