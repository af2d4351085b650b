//! The OCI runtime: compiles a specification into a plan, and executes plans. Synchronous, single thread.
//!
//! Two halves that meet in [`plan`]. [`compile`] is pure: it turns an OCI specification and facts
//! about the host into a [`plan::Plan`], plain data that can be sent to another program.
//! [`create`] and [`exec`] execute plans; they know no OCI types, so a shim that only executes
//! links none of them.
//!
//! What a container owns in the kernel while it runs: its namespaces (held by its processes only),
//! its mounts (in its own mount namespace only, never in the host's table), and its cgroup
//! directories, which outlive the processes and are removed by [`cgroup::remove`].

pub mod cgroup;
pub mod compile;
pub mod create;
pub mod exec;
mod failure;
pub mod hooks;
pub mod host;
mod inside;
pub mod plan;
pub mod scope;
pub mod seccomp;
mod sources;
