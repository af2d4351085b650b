//! The typed client of the Engine API: one connection per running call, over a unix socket, TCP,
//! TLS or `ssh`, with Docker's version negotiation, its errors with status and message, its upgraded
//! ("hijacked") streams with half-close, and its streams of bytes and of JSON objects.
//!
//! Calls are methods on [`Client`], grouped by noun in the modules below. Answers that people see
//! whole (`inspect`) are also available as the bytes that were sent.

mod answer;
mod archive;
mod call;
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
mod secure;
mod socket;
mod ssh;
mod system;
mod tunnel;
mod volume;
mod watch;

pub use answer::{Objects, Stream};
pub use archive::FilesOf;
pub use call::Upload;
pub use container::{AttachOptions, ListOptions, LogOptions, RemoveOptions, StopOptions, WaitCondition, Waiter};
pub use endpoint::{Endpoint, Tls};
pub use error::CallError;
pub use exec::ExecStart;
pub use hijack::{Duplex, Hijacked};
pub use host::{Host, ParseHostError, SshHost};
pub use image::{CommitOptions, ImportOptions, PullOptions};
pub use query::Query;
pub use registry::PushOptions;
pub use request::Client;
pub use secure::{TlsError, client_config as tls_config};
