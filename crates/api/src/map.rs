//! Go's maps with string keys on the wire: sorted by key, nil is `null`, empty is `{}`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sorted map that remembers whether it was ever given. Reads as a `BTreeMap`; writing to it makes
/// it given.
#[derive(Clone, PartialEq, Eq)]
pub struct Map<V> {
    entries: BTreeMap<String, V>,
    given: bool,
}

/// Go's `struct{}`: the value of the maps that are sets (`ExposedPorts`, `Volumes`). Written `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

impl<V> Map<V> {
    /// The map that is written `null`.
    #[must_use]
    pub const fn null() -> Self {
        Self {
            entries: BTreeMap::new(),
            given: false,
        }
    }

    /// The map that is written `{}`.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            entries: BTreeMap::new(),
            given: true,
        }
    }

    /// Whether this is written `null`. A null map is empty too.
    #[must_use]
    pub fn is_null(&self) -> bool {
        !self.given
    }

    /// Whether there is nothing to write: what Go's `omitempty` asks of a map.
    pub(crate) fn is_empty_map(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, owned.
    #[must_use]
    pub fn into_entries(self) -> BTreeMap<String, V> {
        self.entries
    }
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self::null()
    }
}

impl<V> From<BTreeMap<String, V>> for Map<V> {
    fn from(entries: BTreeMap<String, V>) -> Self {
        Self { entries, given: true }
    }
}

impl<V> FromIterator<(String, V)> for Map<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        BTreeMap::from_iter(entries).into()
    }
}

impl<V> IntoIterator for Map<V> {
    type Item = (String, V);
    type IntoIter = std::collections::btree_map::IntoIter<String, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a, V> IntoIterator for &'a Map<V> {
    type Item = (&'a String, &'a V);
    type IntoIter = std::collections::btree_map::Iter<'a, String, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl<V> Deref for Map<V> {
    type Target = BTreeMap<String, V>;
    fn deref(&self) -> &BTreeMap<String, V> {
        &self.entries
    }
}

impl<V> DerefMut for Map<V> {
    fn deref_mut(&mut self) -> &mut BTreeMap<String, V> {
        self.given = true;
        &mut self.entries
    }
}

impl<V: fmt::Debug> fmt::Debug for Map<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.given {
            self.entries.fmt(f)
        } else {
            f.write_str("null")
        }
    }
}

impl<V: Serialize> Serialize for Map<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.given {
            self.entries.serialize(serializer)
        } else {
            serializer.serialize_none()
        }
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Option::<BTreeMap<String, V>>::deserialize(deserializer)?;
        Ok(entries.map_or_else(Self::null, Self::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_differ_and_keys_are_sorted() {
        for text in ["null", "{}", "{\"a\":{},\"b\":{}}"] {
            let map: Map<Empty> = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&map).unwrap(), text);
        }
        let map: Map<u8> = serde_json::from_str("{\"b\":1,\"a\":2}").unwrap();
        assert_eq!(serde_json::to_string(&map).unwrap(), "{\"a\":2,\"b\":1}");
    }
}
