//! From the flags of `run` and `create` to the body of `POST /containers/create`, as Docker's client
//! would send it: what the engine does not support is sent all the same, so that it is refused by name.

mod compile;
mod flags;
mod health;
mod network;
#[cfg(test)]
mod recorded;
mod resources;

pub(crate) use compile::{compile, refuse_foreign};
pub(crate) use flags::FLAGS;
pub(crate) use resources::bytes;
