//! Copying files between this host and a container, by the rules of `cp -a` that Docker follows.
//!
//! `path` and `plan` decide (pure): what a trailing slash or `/.` means, what the copy is called and where it goes.
//! `local` looks at this host, `pack` and `unpack` move bytes. What a container sends is not trusted: `unpack` never
//! leaves the directory it was given, whatever links the stream or that directory hold.

mod local;
mod pack;
mod path;
mod plan;
mod rename;
mod unpack;

pub(crate) use local::{check_output, destination, source};
pub(crate) use pack::{PackError, pack};
pub(crate) use path::{absolute, join, rebased, split_entry};
pub(crate) use plan::{End, plan};
pub(crate) use rename::Rename;
pub(crate) use unpack::unpack;
