//! What `GET /images/search` answers: a list of these.

use serde::{Deserialize, Serialize};

/// One repository of a registry's index. Engine API v1.51 ImageSearch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageSearchResult {
    /// How many people marked it.
    pub star_count: i64,
    /// Whether Docker keeps it.
    pub is_official: bool,
    /// Repository name.
    pub name: String,
    /// Not used any more.
    pub is_automated: bool,
    /// What it says about itself.
    pub description: String,
}
