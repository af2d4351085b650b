//! The typed client of the Engine API: one connection per running call, over a unix socket or plain
//! TCP, with Docker's version negotiation, its errors with status and message, its upgraded
//! ("hijacked") streams with half-close, and its streams of bytes and of JSON objects.
//!
//! Calls are methods on [`Client`], grouped by noun in the modules below. Answers that people see
//! whole (`inspect`) are also available as the bytes that were sent. TLS and ssh are not spoken here yet.

mod answer;
mod archive;
mod container;
mod endpoint;
mod error;
mod exec;
mod hijack;
mod host;
mod image;
mod network;
mod prune;
mod query;
mod registry;
mod request;
mod socket;
mod system;
mod volume;
mod watch;

pub use answer::{Objects, Stream};
pub use container::{AttachOptions, ListOptions, LogOptions, RemoveOptions, StopOptions, WaitCondition, Waiter};
pub use endpoint::{Endpoint, Tls};
pub use error::CallError;
pub use exec::ExecStart;
pub use hijack::{Duplex, Hijacked};
pub use host::{Host, ParseHostError};
pub use image::{CommitOptions, ImportOptions, PullOptions};
pub use query::Query;
pub use registry::PushOptions;
pub use request::{Client, Upload};
