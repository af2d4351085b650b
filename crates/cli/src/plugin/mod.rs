//! Docker's CLI plugins: programs `docker-<name>` that add the command `<name>`. They are found where
//! Docker's client finds them, asked what they are by `docker-cli-plugin-metadata`, and run in this
//! program's place with all of its arguments.

mod candidate;
mod find;
mod run;

pub(crate) use candidate::{Metadata, Plugin};
pub(crate) use find::{all, by_name, names};
pub(crate) use run::run;
