//! A deserializer over a parsed document that follows Go's rules where serde's differ: struct keys
//! match in any case and `null` is the zero value of whatever is wanted.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::error::GoError as Error;

/// A document read by Go's rules.
#[derive(Debug, Clone, Copy)]
pub struct GoValue<'de>(&'de Value);

impl<'de> GoValue<'de> {
    /// Reads `document` by Go's rules.
    #[must_use]
    pub fn new(document: &'de Value) -> Self {
        Self(document)
    }
}

impl<'de> IntoDeserializer<'de, Error> for GoValue<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// A method that visits Go's zero value when the document says `null`, and else what stands there.
macro_rules! zero_when_null {
    ($($method:ident => $visit:ident($zero:expr);)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.0.is_null() { visitor.$visit($zero) } else { self.deserialize_any(visitor) }
        })*
    };
}

impl<'de> Deserializer<'de> for GoValue<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(GoValue))),
            Value::Object(entries) => visitor.visit_map(MapDeserializer::new(
                entries.iter().map(|(key, value)| (key.as_str(), GoValue(value))),
            )),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::INFINITY)),
            },
        }
    }

    zero_when_null! {
        deserialize_bool => visit_bool(false);
        deserialize_i8 => visit_i64(0);
        deserialize_i16 => visit_i64(0);
        deserialize_i32 => visit_i64(0);
        deserialize_i64 => visit_i64(0);
        deserialize_u8 => visit_u64(0);
        deserialize_u16 => visit_u64(0);
        deserialize_u32 => visit_u64(0);
        deserialize_u64 => visit_u64(0);
        deserialize_f32 => visit_f64(0.0);
        deserialize_f64 => visit_f64(0.0);
        deserialize_str => visit_borrowed_str("");
        deserialize_string => visit_borrowed_str("");
        deserialize_seq => visit_seq(SeqDeserializer::new(std::iter::empty::<GoValue<'de>>()));
        deserialize_map => visit_map(MapDeserializer::new(std::iter::empty::<(&str, GoValue<'de>)>()));
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => self.deserialize_map(visitor),
            Value::Object(entries) => visitor.visit_map(Fields::new(entries, fields)),
            // Serde would fill a struct from a list in the order of its fields; Go refuses.
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor).map_err(Error::custom)
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The entries of an object that name a field of the struct, each field once.
struct Fields<'de> {
    found: std::vec::IntoIter<(&'static str, &'de Value)>,
    value: Option<(&'static str, &'de Value)>,
}

impl<'de> Fields<'de> {
    fn new(entries: &'de serde_json::Map<String, Value>, fields: &'static [&'static str]) -> Self {
        let mut found: Vec<(&'static str, &'de Value)> = Vec::with_capacity(fields.len());
        // Parsing has lost the order of keys that differ in case only: the exact one wins.
        for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
            let Some(field) = fields.iter().find(|field| field.eq_ignore_ascii_case(key)) else {
                continue;
            };
            match found.iter_mut().find(|(name, _)| name == field) {
                Some(slot) if key == field => slot.1 = value,
                Some(_) => {}
                None => found.push((field, value)),
            }
        }
        Self {
            found: found.into_iter(),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.found.next() else {
            return Ok(None);
        };
        self.value = Some((name, value));
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (name, value) = self
            .value
            .take()
            .ok_or_else(|| Error::custom("a value was asked for before its key"))?;
        seed.deserialize(GoValue(value)).map_err(|error| error.in_field(name))
    }
}
