//! The nouns of one host: containers, execs, images, networks, volumes, logs, events, recovery.
//!
//! On disk:
//! ```text
//! <data>/containers/<id>/spec.json    what was asked for, never rewritten
//!                        state.json   how its last run ended
//!                        exit.json    written by the shim, until the exit is recorded
//!                        <id>-json.log[.N], hosts, hostname, resolv.conf
//!                        changes.json, health.json: what was changed, what health checks say
//! <data>/volumes/<name>/_data, volume.json
//! <data>/events/                      the history of events, bounded
//! <run>/containers/<id>/              of a run: lease.json, shim.sock, shim.log; commit: paused for one
//! <run>/containers/<id>/exit.json     in the place of the one above where the data directory's disk is full
//! <run>/lock, <run>/engine            whose run directory this is (claim.rs)
//! ```
//! Invariants: one owner task per container decides and acts for it, others send it messages; reads
//! look at published snapshots and never wait for an owner; no lock is held across an await; blocking
//! calls cross at one boundary; nothing grows with the number of containers. HTTP is not here.

mod cdi;
mod changes;
pub(crate) mod claim;
mod commit;
pub mod config;
pub mod container;
mod core;
pub mod engine;
pub mod error;
pub mod event;
pub mod exec;
pub mod files;
pub mod health;
pub mod hold;
pub mod identity;
pub mod image;
mod info;
pub mod logs;
mod network;
mod open;
mod prune;
mod ready;
pub mod recovery;
mod reload;
pub mod request;
mod shim;
pub mod stats;
pub mod tally;
mod top;
pub mod uninstall;
pub mod usage;
pub mod volume;

pub use config::{CgroupDriver, Config};
pub use engine::{Engine, OpenError};
pub use error::{Error, ErrorKind, Result};
