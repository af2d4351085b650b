//! JSON text as the engine sent it: indented, compacted and looked into without losing the order of
//! keys or the writing of numbers, which a decoded value would.

mod entries;
mod layout;

use corten_api::json::DecodeError;
pub(crate) use entries::Entries;

pub(crate) use layout::{compact, indent, indent_with};

/// What is wrong with a text that is no JSON, in Go's words; `None` if it is JSON.
pub(crate) fn complaint(bytes: &[u8]) -> Option<String> {
    match corten_api::json::decode::<serde_json::Value>(bytes) {
        Err(DecodeError::Invalid(reason)) if reason != "unexpected EOF" => Some(reason),
        Err(DecodeError::Invalid(_) | DecodeError::Empty) => Some("unexpected end of JSON input".to_owned()),
        Err(other @ DecodeError::Trailing) => Some(other.to_string()),
        Ok(_) => None,
    }
}
