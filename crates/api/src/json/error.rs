//! What is wrong with a document, in the words of Go's `encoding/json`, which clients' users see.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde_json::error::Category;

/// A value of the wrong type, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoError {
    path: Vec<&'static str>,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Type { found: String, wanted: String },
    Other(String),
}

impl GoError {
    /// The same error, seen from the object that the value is a field of.
    #[must_use]
    pub(super) fn in_field(mut self, name: &'static str) -> Self {
        self.path.insert(0, name);
        self
    }
}

impl fmt::Display for GoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Other(message) => f.write_str(message),
            Problem::Type { found, wanted } if self.path.is_empty() => {
                write!(f, "json: cannot unmarshal {found} into Go value of type {wanted}")
            }
            Problem::Type { found, wanted } => {
                let path = self.path.join(".");
                write!(
                    f,
                    "json: cannot unmarshal {found} into Go struct field .{path} of type {wanted}"
                )
            }
        }
    }
}

impl std::error::Error for GoError {}

impl de::Error for GoError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            path: Vec::new(),
            problem: Problem::Other(message.to_string()),
        }
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let wanted = go_type(&wanted.to_string());
        let problem = Problem::Type {
            found: go_value(found, &wanted),
            wanted,
        };
        Self {
            path: Vec::new(),
            problem,
        }
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }
}

/// A number is told only where a number of another kind is wanted.
fn go_value(found: Unexpected<'_>, wanted: &str) -> String {
    let is_number = ["int", "uint", "float"].iter().any(|kind| wanted.starts_with(kind));
    match found {
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) if !is_number => "number".to_owned(),
        Unexpected::Bool(_) => "bool".to_owned(),
        Unexpected::Unsigned(number) => format!("number {number}"),
        Unexpected::Signed(number) => format!("number {number}"),
        Unexpected::Float(number) => format!("number {number}"),
        Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "string".to_owned(),
        Unexpected::Seq => "array".to_owned(),
        Unexpected::Map => "object".to_owned(),
        other => other.to_string(),
    }
}

/// Go's name of the type that serde describes.
fn go_type(wanted: &str) -> String {
    let name = match wanted {
        "a string" => "string",
        "a boolean" => "bool",
        "i8" => "int8",
        "i16" => "int16",
        "i32" => "int32",
        "i64" => "int64",
        "u8" => "uint8",
        "u16" => "uint16",
        "u32" => "uint32",
        "u64" => "uint64",
        "f32" => "float32",
        "f64" => "float64",
        "a sequence" => "[]string",
        "a map" => "map[string]string",
        other => other.strip_prefix("struct ").unwrap_or(other),
    };
    name.to_owned()
}

/// What Go says of text that is not JSON.
pub(super) fn syntax(body: &[u8], error: &serde_json::Error) -> String {
    if error.classify() == Category::Eof {
        return "unexpected EOF".to_owned();
    }
    let text = error.to_string();
    let place = [
        ("expected value", "looking for beginning of value"),
        ("expected ident", "in literal"),
        ("key must be a string", "looking for beginning of object key string"),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("trailing comma", "looking for beginning of value"),
        ("control character", "in string literal"),
        ("invalid escape", "in string escape code"),
    ];
    let place = place.iter().find(|(ours, _)| text.starts_with(ours)).map(|(_, go)| go);
    match (place, character(body, error)) {
        (Some(place), Some(character)) => format!("invalid character {character:?} {place}"),
        _ => text,
    }
}

/// The character that an error points at.
fn character(body: &[u8], error: &serde_json::Error) -> Option<char> {
    let line = body.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    let rest = line.get(error.column().checked_sub(1)?..)?;
    String::from_utf8_lossy(&rest[..rest.len().min(4)]).chars().next()
}
