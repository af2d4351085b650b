//! What the user has set: Docker's client configuration, environment variables, the engine's address.

mod file;
mod host;

pub(crate) use file::ConfigFile;
pub(crate) use host::{Endpoint, HostError, choose};
