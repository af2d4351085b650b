//! Go's types, as far as values that come from JSON have them. A type says how a value is printed, compared,
//! what it is called in errors, and which of its fields exist.

use std::fmt;

/// A Go type.
#[derive(Debug, PartialEq)]
pub enum Type {
    /// `interface {}`: any value.
    Any,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`.
    Uint8,
    /// `uint16`.
    Uint16,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `string`.
    Text,
    /// `json.Number`: a string that holds a number.
    Number,
    /// `time.Duration`, in nanoseconds.
    Duration,
    /// `time.Time`, held as RFC 3339 text.
    Time,
    /// A slice.
    List(&'static Type),
    /// A map; keys are strings of some type.
    Map(&'static Type, &'static Type),
    /// A pointer.
    Pointer(&'static Type),
    /// A struct.
    Struct(&'static Struct),
    /// A defined type with another's values.
    Named(&'static str, &'static Type),
}

/// A Go struct: its name and its exported fields in order.
#[derive(Debug, PartialEq)]
pub struct Struct {
    /// With its package: `container.State`; empty for `struct {}`.
    pub name: &'static str,
    /// The fields.
    pub fields: &'static [Field],
}

/// A field of a struct.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// Go's name.
    pub name: &'static str,
    /// The key in JSON; empty for an embedded struct, whose fields stand among the outer ones, and `-` for none.
    pub key: &'static str,
    /// Its type.
    pub kind: &'static Type,
    /// Whether it is left out of JSON when it is empty.
    pub omits_empty: bool,
}

impl Field {
    /// A field that is always in JSON.
    #[must_use]
    pub const fn new(name: &'static str, key: &'static str, kind: &'static Type) -> Self {
        Self {
            name,
            key,
            kind,
            omits_empty: false,
        }
    }

    /// The same, left out of JSON when empty.
    #[must_use]
    pub const fn omitted(self) -> Self {
        Self {
            omits_empty: true,
            ..self
        }
    }
}

impl Type {
    /// The type that a defined type is made of.
    pub(crate) fn base(&self) -> &Self {
        match self {
            Self::Named(_, base) => base.base(),
            other => other,
        }
    }

    /// The type of a map's keys.
    pub(crate) fn key(&self) -> &'static Self {
        match self.base() {
            Self::Map(key, _) => key,
            _ => &Self::Text,
        }
    }

    /// Whether values are strings to Go's `reflect`.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.base(), Self::Text | Self::Number)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Int64 => f.write_str("int64"),
            Self::Uint8 => f.write_str("uint8"),
            Self::Uint16 => f.write_str("uint16"),
            Self::Uint32 => f.write_str("uint32"),
            Self::Uint64 => f.write_str("uint64"),
            Self::Float64 => f.write_str("float64"),
            Self::Text => f.write_str("string"),
            Self::Number => f.write_str("json.Number"),
            Self::Duration => f.write_str("time.Duration"),
            Self::Time => f.write_str("time.Time"),
            Self::List(item) => write!(f, "[]{item}"),
            Self::Map(key, item) => write!(f, "map[{key}]{item}"),
            Self::Pointer(to) => write!(f, "*{to}"),
            Self::Struct(Struct { name: "", .. }) => f.write_str("struct {}"),
            Self::Struct(of) => f.write_str(of.name),
            Self::Named(name, _) => f.write_str(name),
        }
    }
}
