//! The keeper of one container, and what it says to the daemon. The library is the protocol and the
//! daemon's side of it ([`spawn`], [`channel`], [`frame`]); the program `corten-shim` is the keeper.
//!
//! On disk, in the run directory that is the program's only argument:
//! ```text
//! shim.sock   0600, where later daemons find the shim
//! shim.log    what a shim that panics says last; normally empty
//! exit.json   (where `Create` says) how the container ended; outlives the shim
//! ```

pub mod attach;
mod carried;
pub mod channel;
pub mod dns;
pub mod frame;
pub mod keeper;
pub mod names;
pub mod protocol;
pub mod spawn;

/// What is recorded, and how: for the keeper, which writes it, and for the daemon, which reads it.
pub use corten_log as log;
