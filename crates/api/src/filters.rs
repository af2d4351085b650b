//! Filters of list, events and prune calls: JSON in the query, a map from name to values, where the
//! values are a set (`{"status":{"running":true}}`) or, from old clients, a list.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What a list is to be filtered by: every name must match, by any of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, BTreeSet<String>>);

/// The filters are not what Docker accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterError {
    /// Not JSON of either form.
    Syntax(String),
    /// A name that the call does not know.
    UnknownName(String),
    /// A value that the name does not take.
    Value {
        /// The filter's name.
        name: String,
        /// The values given.
        values: Vec<String>,
    },
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(_) => f.write_str("invalid filter"),
            Self::UnknownName(name) => write!(f, "invalid filter '{name}'"),
            Self::Value { name, values } => write!(f, "invalid filter '{name}=[{}]'", values.join(" ")),
        }
    }
}

impl std::error::Error for FilterError {}

impl Filters {
    /// Reads the `filters` query value. Empty text is no filters.
    ///
    /// # Errors
    /// [`FilterError::Syntax`] if it is neither a map of sets nor a map of lists.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let syntax = || FilterError::Syntax(text.to_owned());
        let Value::Object(names) = serde_json::from_str(text).map_err(|_| syntax())? else {
            return Err(syntax());
        };
        let mut filters = Self::default();
        for (name, values) in names {
            let values = match values {
                Value::Object(set) if set.values().all(Value::is_boolean) => {
                    set.into_iter().map(|(value, _)| value).collect()
                }
                Value::Array(list) => list
                    .into_iter()
                    .map(text_of)
                    .collect::<Option<_>>()
                    .ok_or_else(syntax)?,
                _ => return Err(syntax()),
            };
            filters.0.insert(name, values);
        }
        Ok(filters)
    }

    /// Adds one value.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_default().insert(value.to_owned());
    }

    /// Whether there is nothing to filter by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a filter of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The values of a filter, sorted; none if it is absent.
    pub fn get(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The names of all filters, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether the filter is absent or has exactly this value.
    #[must_use]
    pub fn matches_exactly(&self, name: &str, value: &str) -> bool {
        self.0
            .get(name)
            .is_none_or(|values| values.is_empty() || values.contains(value))
    }

    /// A filter that says yes or no (`dangling`), if present.
    ///
    /// # Errors
    /// [`FilterError::Value`] if it says both or neither.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, FilterError> {
        let Some(values) = self.0.get(name) else {
            return Ok(None);
        };
        let yes = values.contains("1") || values.contains("true");
        let no = values.contains("0") || values.contains("false");
        if yes == no {
            return Err(FilterError::Value {
                name: name.to_owned(),
                values: values.iter().cloned().collect(),
            });
        }
        Ok(Some(yes))
    }

    /// Refuses names that a call does not know.
    ///
    /// # Errors
    /// [`FilterError::UnknownName`] for the first such name.
    pub fn accept_only(&self, known: &[&str]) -> Result<(), FilterError> {
        match self.names().find(|name| !known.contains(name)) {
            Some(name) => Err(FilterError::UnknownName(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Writes them as current clients do.
    #[must_use]
    pub fn to_json(&self) -> String {
        let sets: BTreeMap<&str, BTreeMap<&str, bool>> = self
            .0
            .iter()
            .map(|(name, values)| {
                (
                    name.as_str(),
                    values.iter().map(|value| (value.as_str(), true)).collect(),
                )
            })
            .collect();
        serde_json::to_string(&sets).expect("maps of strings are JSON")
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for text in [r#"{"label":{"a":true,"b":true}}"#, r#"{"label":["b","a"]}"#] {
            let filters = Filters::parse(text).unwrap();
            assert_eq!(filters.get("label").collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(filters.to_json(), r#"{"label":{"a":true,"b":true}}"#);
        }
        assert!(Filters::parse("").unwrap().is_empty());
        assert!(Filters::parse("{}").unwrap().is_empty());
        for bad in ["x", "[]", "{\"a\":1}", "{\"a\":[1]}", "{\"a\":{\"b\":1}}"] {
            assert!(Filters::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_names_and_odd_booleans_are_refused() {
        let filters = Filters::parse(r#"{"dangling":["x"],"bogus":["1"]}"#).unwrap();
        let unknown = filters.accept_only(&["dangling"]).unwrap_err();
        assert_eq!(unknown.to_string(), "invalid filter 'bogus'");
        assert_eq!(
            filters.boolean("dangling").unwrap_err().to_string(),
            "invalid filter 'dangling=[x]'"
        );
        assert_eq!(
            Filters::parse(r#"{"dangling":["1"]}"#).unwrap().boolean("dangling"),
            Ok(Some(true))
        );
    }
}
