//! The Engine API's data exactly as Docker 28.5.2 (API 1.51) writes and reads it.
//!
//! Owns the wire: JSON shapes ([`container`], [`image`], [`system`], ...), the error body, the
//! framing of attach and log streams ([`frame`]), query values ([`query`], [`filters`]) and the
//! version table ([`version`]).
//!
//! Invariants: decoding follows Go's `encoding/json` (keys in any case, `null` leaves the zero
//! value, unknown keys are ignored); encoding keeps the order of Go's fields, `null` apart from
//! `[]` ([`List`], [`Map`]), sorted maps. Does no I/O and knows no engine.

pub mod auth;
pub mod container;
pub mod error;
pub mod event;
pub mod exec;
pub mod filters;
pub mod frame;
pub mod image;
pub mod json;
mod list;
mod map;
pub mod message;
pub mod network;
pub mod query;
pub mod system;
pub mod version;
pub mod volume;

pub use error::ErrorBody;
pub use filters::Filters;
pub use list::{List, StringList};
pub use map::{Empty, Map};

/// Whether a value is its type's zero value: what Go's `omitempty` leaves out.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
