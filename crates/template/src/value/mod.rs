//! Values as a template sees them: Go's, with their types.
//!
//! JSON without a schema gives maps and lists of `interface {}`; with a [`Type`] it gives structs, so that
//! fields print in Go's order and missing ones are zero, not absent. Strings are bytes, as Go's are.

mod json;
mod kind;
mod object;
mod read;
pub(crate) mod spoken;
pub(crate) mod time;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use kind::{Field, Struct, Type};
pub use object::{Member, Object};
pub use read::{DecodeError, Numbers};

/// A string.
pub(crate) type Bytes = Rc<[u8]>;

/// The entries of a map, sorted by key.
pub(crate) type Entries = BTreeMap<Bytes, Value>;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing at all: what a missing key gives.
    Missing,
    /// The nil of an interface, a pointer, a list or a map.
    Nil(&'static Type),
    /// A truth value.
    Bool(bool),
    /// A signed number.
    Int(i64, &'static Type),
    /// An unsigned number.
    Uint(u64, &'static Type),
    /// A float.
    Float(f64),
    /// A string, a `json.Number` or a time.
    Text(Rc<[u8]>, &'static Type),
    /// A slice.
    List(Rc<[Value]>, &'static Type),
    /// A map.
    Map(Rc<BTreeMap<Rc<[u8]>, Value>>, &'static Type),
    /// A struct: one value per field.
    Struct(Rc<[Value]>, &'static Struct),
    /// A pointer to something.
    Pointer(Rc<Value>, &'static Type),
    /// Something that answers for itself.
    Object(Rc<dyn Object>),
}

/// A value and whether Go holds it in an interface: such a value goes by the name of `interface {}` in
/// errors until a pipeline has passed it on.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) value: Value,
    pub(crate) boxed: bool,
}

impl Value {
    /// A string.
    #[must_use]
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().into(), &Type::Text)
    }

    /// An `int`.
    pub(crate) fn int(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX), &Type::Int)
    }

    /// A list of strings.
    pub(crate) fn texts(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect(), &Type::List(&Type::Text))
    }

    /// A map of strings to strings.
    #[must_use]
    pub fn text_map(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(key, text)| (key.into_bytes().into(), Self::text(text)));
        Self::Map(Rc::new(entries.collect()), &Type::Map(&Type::Text, &Type::Text))
    }

    /// What a variable of the type holds before anything is put there.
    #[must_use]
    pub fn zero(kind: &'static Type) -> Self {
        match kind.base() {
            Type::Any | Type::List(_) | Type::Map(..) | Type::Pointer(_) => Self::Nil(kind),
            Type::Bool => Self::Bool(false),
            Type::Int | Type::Int64 | Type::Duration => Self::Int(0, kind),
            Type::Uint8 | Type::Uint16 | Type::Uint32 | Type::Uint64 => Self::Uint(0, kind),
            Type::Float64 => Self::Float(0.0),
            Type::Text | Type::Number => Self::Text(Bytes::default(), kind),
            Type::Time => Self::Text(time::ZERO.as_bytes().into(), kind),
            Type::Struct(of) => Self::Struct(of.fields.iter().map(|field| Self::zero(field.kind)).collect(), of),
            Type::Named(..) => Self::Missing,
        }
    }

    /// Go's name for the type.
    pub(crate) fn type_name(&self) -> String {
        match self {
            Self::Missing => "<nil>".to_owned(),
            Self::Bool(_) => Type::Bool.to_string(),
            Self::Float(_) => Type::Float64.to_string(),
            Self::Nil(kind)
            | Self::Int(_, kind)
            | Self::Uint(_, kind)
            | Self::Text(_, kind)
            | Self::List(_, kind)
            | Self::Map(_, kind)
            | Self::Pointer(_, kind) => kind.to_string(),
            Self::Struct(_, of) => Type::Struct(of).to_string(),
            Self::Object(object) => object.kind().to_owned(),
        }
    }

    /// Whether it is a Go string of any type.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_, kind) if kind.is_text())
    }

    /// Whether a condition takes it for true.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Nil(_) => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) => *value != 0,
            Self::Uint(value, _) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text, kind) => !kind.is_text() || !text.is_empty(),
            Self::List(items, _) => !items.is_empty(),
            Self::Map(entries, _) => !entries.is_empty(),
            Self::Struct(..) | Self::Pointer(..) | Self::Object(_) => true,
        }
    }

    /// The value behind pointers; a nil pointer stays.
    pub(crate) fn behind(&self) -> Self {
        match self {
            Self::Pointer(to, _) => to.behind(),
            Self::Object(object) => object.plain().unwrap_or_else(|| self.clone()),
            other => other.clone(),
        }
    }

    /// Whether it is a nil pointer or the nil of an interface.
    pub(crate) fn is_nil_reference(&self) -> bool {
        matches!(self, Self::Nil(kind) if matches!(kind.base(), Type::Any | Type::Pointer(_)))
    }

    /// The type of a list's items or a map's entries.
    pub(crate) fn item_kind(&self) -> &'static Type {
        let kind = match self {
            Self::List(_, kind) | Self::Map(_, kind) | Self::Nil(kind) => base(kind),
            Self::Missing
            | Self::Bool(_)
            | Self::Int(..)
            | Self::Uint(..)
            | Self::Float(_)
            | Self::Text(..)
            | Self::Struct(..)
            | Self::Pointer(..)
            | Self::Object(_) => return &Type::Any,
        };
        match kind {
            Type::List(item) | Type::Map(_, item) => item,
            _ => &Type::Any,
        }
    }
}

/// As [`Type::base`], for types that live for ever.
fn base(kind: &'static Type) -> &'static Type {
    match kind {
        Type::Named(_, inner) => base(inner),
        other => other,
    }
}

impl Cell {
    /// A value on its own.
    pub(crate) fn bare(value: Value) -> Self {
        Self { value, boxed: false }
    }

    /// An item of a list or map whose items are of type `kind`.
    pub(crate) fn item(value: Value, kind: &Type) -> Self {
        let boxed = *kind.base() == Type::Any && !matches!(value, Value::Missing);
        Self { value, boxed }
    }

    /// The value without its interface: a nil interface is nothing at all.
    pub(crate) fn unboxed(self) -> Value {
        match self.value {
            Value::Nil(kind) if *kind.base() == Type::Any => Value::Missing,
            value => value,
        }
    }

    /// Go's name for the type as it stands.
    pub(crate) fn type_name(&self) -> String {
        if self.boxed {
            Type::Any.to_string()
        } else {
            self.value.type_name()
        }
    }
}
