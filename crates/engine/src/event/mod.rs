//! What happened: those who listen, and the history.

pub(crate) mod bus;
pub mod filter;
pub(crate) mod journal;
mod recent;
mod stream;

pub use stream::EventStream;

use crate::container::Container;

/// What an event is about.
pub(crate) enum Subject<'a> {
    /// A container; its labels, image and name go with every event.
    Container(&'a Container),
    /// An image: id or name, and its name.
    Image { id: &'a str, name: &'a str },
    /// A volume by name.
    Volume(&'a str),
    /// All of a kind: its name.
    Kind(&'a str),
    /// A network by id.
    Network(&'a str),
    /// This engine by id.
    Daemon(&'a str),
}
