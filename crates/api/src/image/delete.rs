//! What `DELETE /images/{name}` answers: a list of these.

use serde::{Deserialize, Serialize};

/// One thing removed: exactly one field is set. Engine API v1.51 ImageDeleteResponseItem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageDeleteItem {
    /// An image or layer id whose content is gone.
    Deleted(String),
    /// A reference that names nothing any more.
    Untagged(String),
}
