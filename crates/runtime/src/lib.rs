//! The OCI runtime: compiles a specification into a plan, and executes plans. Synchronous, single thread.

pub mod plan;
