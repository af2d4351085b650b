//! Query strings: percent-encoding of names and values, in the order in which they were added.

use corten_api::Filters;
use corten_api::query::escape;

/// A request's query under construction.
#[derive(Debug, Clone, Default)]
pub struct Query(String);

impl Query {
    /// An empty query.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `name=value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&escape(value));
        self
    }

    /// Adds `name=value` unless the value is empty.
    #[must_use]
    pub fn with_text(self, name: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    /// Adds `name=1` if `set`.
    #[must_use]
    pub fn with_flag(self, name: &str, set: bool) -> Self {
        if set { self.with(name, "1") } else { self }
    }

    /// Adds `filters=` unless there are none.
    #[must_use]
    pub fn with_filters(self, filters: &Filters) -> Self {
        if filters.is_empty() {
            self
        } else {
            self.with("filters", &filters.to_json())
        }
    }

    /// The text after the path, with its question mark; empty if nothing was added.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as one or more path segments: slashes stay, all else outside the safe set is escaped.
pub(crate) fn path_segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (index, part) in name.split('/').enumerate() {
        if index > 0 {
            text.push('/');
        }
        for (index, part) in part.split(':').enumerate() {
            if index > 0 {
                text.push(':');
            }
            text.push_str(&escape(part));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let query = Query::new()
            .with("a", "x y&z")
            .with_text("b", "")
            .with_flag("c", true)
            .with_flag("d", false);
        assert_eq!(query.as_str(), "?a=x%20y%26z&c=1");
        assert_eq!(Query::new().as_str(), "");
        assert_eq!(path_segment("docker.io/library/a:1?b"), "docker.io/library/a:1%3Fb");
    }
}
