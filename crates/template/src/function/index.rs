//! `index`, `slice`, `len`.

use std::rc::Rc;

use super::{Outcome, first};
use crate::value::{Cell, Type, Value};

pub(super) fn len(arguments: &[Cell]) -> Outcome {
    let cell = first(arguments);
    let value = cell.value.behind();
    if value.is_nil_reference() {
        return Err("len of nil pointer".to_owned());
    }
    match length(&value) {
        Some(length) => Ok(Cell::bare(Value::int(length))),
        None if matches!(value, Value::Missing) => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        None => Err(format!("len of type {}", value.type_name())),
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Text(text, kind) if kind.is_text() => Some(text.len()),
        Value::List(items, _) => Some(items.len()),
        Value::Map(entries, _) => Some(entries.len()),
        Value::Nil(_) => Some(0),
        Value::Missing
        | Value::Bool(_)
        | Value::Int(..)
        | Value::Uint(..)
        | Value::Float(_)
        | Value::Text(..)
        | Value::Struct(..)
        | Value::Pointer(..)
        | Value::Object(_) => None,
    }
}

/// `index x 1 "a"` is `x[1]["a"]`.
pub(super) fn index(arguments: &[Cell]) -> Outcome {
    let mut cell = first(arguments);
    if matches!(cell.clone().unboxed(), Value::Missing) {
        return Err("index of untyped nil".to_owned());
    }
    for at in arguments.iter().skip(1) {
        let value = cell.value.behind();
        if value.is_nil_reference() {
            return Err("index of nil pointer".to_owned());
        }
        cell = one(&value, at.clone().unboxed())?;
    }
    Ok(cell)
}

fn one(value: &Value, at: Value) -> Outcome {
    match value {
        Value::Text(text, kind) if kind.is_text() => {
            let place = place(&at, text.len())?;
            let byte = text.get(place).ok_or("reflect: string index out of range")?;
            Ok(Cell::bare(Value::Uint(u64::from(*byte), &Type::Uint8)))
        }
        Value::List(items, _) => {
            let place = place(&at, items.len())?;
            let item = items.get(place).ok_or("reflect: slice index out of range")?;
            Ok(Cell::item(item.clone(), value.item_kind()))
        }
        Value::Nil(kind) if matches!(kind.base(), Type::List(_)) => {
            place(&at, 0)?;
            Err("reflect: slice index out of range".to_owned())
        }
        Value::Map(_, kind) | Value::Nil(kind) if matches!(kind.base(), Type::Map(..)) => entry(value, kind, &at),
        other => Err(format!("can't index item of type {}", other.type_name())),
    }
}

/// A map's entry; one that is not there is the zero of its type.
fn entry(map: &Value, kind: &Type, at: &Value) -> Outcome {
    let (wanted, item) = match kind.base() {
        Type::Map(key, item) => (*key, *item),
        _ => (&Type::Text, &Type::Any),
    };
    let key = match at {
        Value::Missing => return Err(format!("value is nil; should be of type {wanted}")),
        Value::Text(text, kind) if *kind == wanted => text,
        other => return Err(format!("value has type {}; should be {wanted}", other.type_name())),
    };
    let found = match map {
        Value::Map(entries, _) => entries.get(key).cloned(),
        _ => None,
    };
    Ok(Cell::item(found.unwrap_or_else(|| Value::zero(item)), item))
}

/// An index that is not beyond the end; the end itself is told apart by the caller.
fn place(at: &Value, length: usize) -> Result<usize, String> {
    let number = match at {
        Value::Int(number, _) => i128::from(*number),
        Value::Uint(number, _) => i128::from(*number),
        Value::Missing => return Err("cannot index slice/array with nil".to_owned()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    let place = usize::try_from(number).ok().filter(|place| *place <= length);
    place.ok_or_else(|| format!("index out of range: {number}"))
}

/// `slice x 1 2` is `x[1:2]`.
pub(super) fn slice(arguments: &[Cell]) -> Outcome {
    let value = first(arguments).unboxed();
    let indexes = arguments.get(1..).unwrap_or_default();
    if matches!(value, Value::Missing) {
        return Err("slice of untyped nil".to_owned());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match &value {
        Value::Text(text, kind) if kind.is_text() => {
            if indexes.len() == 3 {
                return Err("cannot 3-index slice a string".to_owned());
            }
            text.len()
        }
        Value::List(items, _) => items.len(),
        Value::Nil(kind) if matches!(kind.base(), Type::List(_)) => 0,
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, at) in bounds.iter_mut().zip(indexes) {
        *bound = place(&at.clone().unboxed_index(), length)?;
    }
    let [from, to, limit] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if indexes.len() == 3 && to > limit {
        return Err(format!("invalid slice index: {to} > {limit}"));
    }
    Ok(Cell::bare(match &value {
        Value::Text(text, kind) => Value::Text(text.get(from..to).unwrap_or_default().into(), kind),
        Value::List(items, kind) => Value::List(Rc::from(items.get(from..to).unwrap_or_default()), kind),
        other => other.clone(),
    }))
}

impl Cell {
    /// An index of `slice`, which Go does not take out of its interface.
    fn unboxed_index(self) -> Value {
        if self.boxed {
            return Value::Nil(&Type::Any);
        }
        self.value
    }
}
