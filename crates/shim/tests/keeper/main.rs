//! The real `corten-shim` with a busybox container, driven through the protocol. Needs root and `busybox-static`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attach;
mod chaos;
mod exec;
mod fixture;
mod groups;
mod life;
mod measure;
mod names;
mod output;
mod ports;
mod upgrade;
