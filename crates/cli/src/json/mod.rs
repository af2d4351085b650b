//! JSON text as the engine sent it: indented, compacted and looked into without losing the order of
//! keys or the writing of numbers, which a decoded value would.

mod entries;
mod layout;

pub(crate) use entries::Entries;
pub(crate) use layout::{compact, indent, indent_with};
