//! What tests of the whole are made of: sandboxes of fresh namespaces, a daemon under test inside
//! one, a census of everything a container can leave behind, images made in memory, a terminal to
//! sit at, and waiting for an event with a limit.
//!
//! Nothing here is part of a program that users run. Everything a sandbox made is gone when it is
//! dropped, and also when the test's process is killed: its first process ends when the pipe to the
//! test closes, and with it the kernel ends every process of its pid namespace.

pub mod archive;
pub mod census;
pub mod daemon;
pub mod http;
pub mod outcome;
pub mod programs;
mod record;
pub mod sandbox;
pub mod skip;
pub mod terminal;
pub mod wait;

pub use archive::Archive;
pub use census::Census;
pub use daemon::{Daemon, DaemonOptions};
pub use outcome::Outcome;
pub use sandbox::Sandbox;
pub use terminal::Terminal;
pub use wait::until;
