//! JSON text becomes values: without a schema, or by a type as Go's decoder fills one.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::{Bytes, Entries, Field, Struct, Type, Value};

/// What numbers become where no type says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// `float64`, as Go decodes by default.
    Float,
    /// `json.Number`, which keeps the text (`Decoder.UseNumber`).
    Text,
}

/// A JSON text does not fit.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is no JSON, or nested too deeply.
    #[error("invalid JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Lists and objects are nested too deeply.
    #[error("JSON is nested more than {DEEPEST} levels deep")]
    Depth,
    /// A value is of another kind than the type wants.
    #[error("json: cannot decode {0} into Go value of type {1}")]
    Mismatch(String, String),
}

/// How deep lists and objects may be nested, as in `serde_json`.
const DEEPEST: usize = 128;

type Decode<T> = Result<T, DecodeError>;

impl Value {
    /// Reads JSON text without a schema.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn from_json(text: &str, numbers: Numbers) -> Decode<Self> {
        decode(checked(text)?, &Type::Any, numbers)
    }

    /// Reads JSON text as a value of the type; keys are found whatever their case, unknown ones passed over.
    ///
    /// # Errors
    /// The text is no JSON, or does not fit the type.
    pub fn from_json_as(text: &str, kind: &'static Type) -> Decode<Self> {
        decode(checked(text)?, kind, Numbers::Float)
    }
}

/// The text as JSON that is not nested too deeply.
fn checked(text: &str) -> Decode<&RawValue> {
    let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'[' | b'{' if !inside => depth += 1,
            b']' | b'}' if !inside => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(DecodeError::Depth);
        }
    }
    Ok(serde_json::from_str(text)?)
}

fn decode(raw: &RawValue, kind: &'static Type, numbers: Numbers) -> Decode<Value> {
    let text = raw.get();
    let mismatch = || DecodeError::Mismatch(text.chars().take(40).collect(), kind.to_string());
    if text == "null" {
        return Ok(Value::zero(kind));
    }
    Ok(match super::base(kind) {
        Type::Any => any(raw, numbers)?,
        Type::Pointer(to) => Value::Pointer(Rc::new(decode(raw, to, numbers)?), kind),
        Type::Bool => Value::Bool(serde_json::from_str(text).map_err(|_| mismatch())?),
        Type::Int | Type::Int64 | Type::Duration => Value::Int(text.parse().map_err(|_| mismatch())?, kind),
        Type::Uint8 | Type::Uint16 | Type::Uint32 | Type::Uint64 => {
            Value::Uint(text.parse().map_err(|_| mismatch())?, kind)
        }
        Type::Float64 => Value::Float(text.parse().map_err(|_| mismatch())?),
        Type::Number if !text.starts_with('"') => Value::Text(text.as_bytes().into(), kind),
        Type::Text | Type::Number | Type::Time => {
            let text: String = serde_json::from_str(text).map_err(|_| mismatch())?;
            Value::Text(text.as_bytes().into(), kind)
        }
        Type::List(item) => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| mismatch())?;
            let items = items.into_iter().map(|raw| decode(raw, item, numbers));
            Value::List(items.collect::<Decode<_>>()?, kind)
        }
        Type::Map(_, item) => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| mismatch())?;
            let entries = entries
                .into_iter()
                .map(|(key, raw)| Ok((Bytes::from(key.as_bytes()), decode(raw, item, numbers)?)));
            Value::Map(Rc::new(entries.collect::<Decode<Entries>>()?), kind)
        }
        Type::Struct(of) => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| mismatch())?;
            structure(&entries, of, numbers)?
        }
        Type::Named(..) => Value::Missing,
    })
}

fn any(raw: &RawValue, numbers: Numbers) -> Decode<Value> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => decode(raw, &Type::Map(&Type::Text, &Type::Any), numbers)?,
        Some(b'[') => decode(raw, &Type::List(&Type::Any), numbers)?,
        Some(b'"') => decode(raw, &Type::Text, numbers)?,
        Some(b't' | b'f') => decode(raw, &Type::Bool, numbers)?,
        _ if numbers == Numbers::Text => decode(raw, &Type::Number, numbers)?,
        _ => decode(raw, &Type::Float64, numbers)?,
    })
}

fn structure(entries: &BTreeMap<String, &RawValue>, of: &'static Struct, numbers: Numbers) -> Decode<Value> {
    let values = of.fields.iter().map(|field| match find(entries, field) {
        _ if field.key == "-" => Ok(Value::zero(field.kind)),
        _ if field.key.is_empty() => embedded(entries, field.kind, numbers),
        Some(raw) => decode(raw, field.kind, numbers),
        None => Ok(Value::zero(field.kind)),
    });
    Ok(Value::Struct(values.collect::<Decode<_>>()?, of))
}

fn embedded(entries: &BTreeMap<String, &RawValue>, kind: &'static Type, numbers: Numbers) -> Decode<Value> {
    match kind {
        Type::Pointer(Type::Struct(of)) => Ok(Value::Pointer(Rc::new(structure(entries, of, numbers)?), kind)),
        Type::Struct(of) => structure(entries, of, numbers),
        _ => Ok(Value::zero(kind)),
    }
}

fn find<'a>(entries: &BTreeMap<String, &'a RawValue>, field: &Field) -> Option<&'a RawValue> {
    let exact = entries.get(field.key);
    let any_case = || {
        entries
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(field.key))
            .map(|(_, raw)| raw)
    };
    exact.or_else(any_case).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit() {
        let read = |text: &str| Value::from_json(text, Numbers::Float);
        assert!(matches!(read(&"[".repeat(100_000)), Err(DecodeError::Depth)));
        assert!(matches!(read("{"), Err(DecodeError::Syntax(_))));
        assert!(matches!(read("{\"a\":\"[[[\\\"[[\"}"), Ok(Value::Map(..))));
        let error = Value::from_json_as("\"x\"", &Type::Int).expect_err("no number");
        assert_eq!(error.to_string(), "json: cannot decode \"x\" into Go value of type int");
    }
}
