//! Go's slices on the wire: a nil slice is `null`, an empty one `[]`, and clients can tell.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that remembers whether it was ever given. Reads as a `Vec`; writing to it makes it given.
/// `List::default()` is `null`, `List::from(vec![])` is `[]`.
#[derive(Clone, PartialEq, Eq)]
pub struct List<T> {
    items: Vec<T>,
    given: bool,
}

impl<T> List<T> {
    /// The list that is written `null`.
    #[must_use]
    pub const fn null() -> Self {
        Self {
            items: Vec::new(),
            given: false,
        }
    }

    /// The list that is written `[]`.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            items: Vec::new(),
            given: true,
        }
    }

    /// Whether this is written `null`. A null list is empty too.
    #[must_use]
    pub fn is_null(&self) -> bool {
        !self.given
    }

    /// Whether there is nothing to write: what Go's `omitempty` asks of a slice.
    pub(crate) fn is_empty_list(&self) -> bool {
        self.items.is_empty()
    }

    /// The items, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::null()
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, given: true }
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        self.given = true;
        &mut self.items
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.given {
            self.items.fmt(f)
        } else {
            f.write_str("null")
        }
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.given {
            self.items.serialize(serializer)
        } else {
            serializer.serialize_none()
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Option::<Vec<T>>::deserialize(deserializer)?;
        Ok(items.map_or_else(Self::null, Self::from))
    }
}

/// A command: a list of words, or one string that stands for a list of one
/// (Go's `strslice.StrSlice`). Written as a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct StringList(pub List<String>);

impl StringList {
    /// Whether there is nothing to write: what Go's `omitempty` asks of a slice.
    pub(crate) fn is_empty_list(&self) -> bool {
        self.0.is_empty_list()
    }
}

impl Deref for StringList {
    type Target = List<String>;
    fn deref(&self) -> &List<String> {
        &self.0
    }
}

impl DerefMut for StringList {
    fn deref_mut(&mut self) -> &mut List<String> {
        &mut self.0
    }
}

impl From<Vec<String>> for StringList {
    fn from(words: Vec<String>) -> Self {
        Self(words.into())
    }
}

impl FromIterator<String> for StringList {
    fn from_iter<I: IntoIterator<Item = String>>(words: I) -> Self {
        Self(words.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for StringList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StringOrList)
    }
}

struct StringOrList;

impl<'de> Visitor<'de> for StringOrList {
    type Value = StringList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_unit<E>(self) -> Result<StringList, E> {
        Ok(StringList::default())
    }

    fn visit_none<E>(self) -> Result<StringList, E> {
        Ok(StringList::default())
    }

    fn visit_str<E>(self, word: &str) -> Result<StringList, E> {
        Ok(vec![word.to_owned()].into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<StringList, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = seq.next_element()? {
            words.push(word);
        }
        Ok(words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_differ() {
        for text in ["null", "[]", "[1,2]"] {
            let list: List<u8> = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&list).unwrap(), text);
            assert_eq!(list.is_null(), text == "null");
        }
        let mut list = List::null();
        list.push(1);
        assert!(!list.is_null());
    }

    #[test]
    fn a_command_may_be_one_string() {
        let read = |text| serde_json::from_str::<StringList>(text).unwrap();
        assert_eq!(read("\"sh -c true\""), vec!["sh -c true".to_owned()].into());
        assert_eq!(read("[\"a\",\"b\"]"), vec!["a".to_owned(), "b".to_owned()].into());
        assert!(read("null").is_null());
        assert!(serde_json::from_str::<StringList>("1").is_err());
    }
}
