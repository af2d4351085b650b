//! `cortend`: the Engine API over HTTP, in front of `corten-engine`.
//!
//! Owns on the wire: the sockets it listens on, HTTP/1.1 ([`http`]), the route table ([`route`]) and
//! the conversion of calls ([`handle`]). On disk: `daemon.json`, its pid file, the socket files.
//! Invariants: containers never depend on this process; nothing here decides about containers.

pub mod daemon;
pub mod handle;
pub mod http;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod notify;
pub mod pidfile;
pub mod release;
pub mod reload;
pub mod route;
pub mod settings;
pub mod signals;
pub mod stop_file;
pub mod thrift;
