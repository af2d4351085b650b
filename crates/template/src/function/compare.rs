//! `eq`, `ne`, `lt`, `le`: numbers with numbers of the same kind, strings with strings.

use std::cmp::Ordering;
use std::rc::Rc;

use super::first;
use crate::print;
use crate::value::{Cell, Type, Value};

const BAD_TYPE: &str = "invalid type for comparison";
const BAD_PAIR: &str = "incompatible types for comparison";

/// What kinds can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    Text,
}

fn basic(value: &Value) -> Option<Basic> {
    match value {
        Value::Bool(_) => Some(Basic::Bool),
        Value::Int(..) => Some(Basic::Int),
        Value::Uint(..) => Some(Basic::Uint),
        Value::Float(_) => Some(Basic::Float),
        Value::Text(_, kind) if kind.is_text() => Some(Basic::Text),
        Value::Missing
        | Value::Nil(_)
        | Value::Text(..)
        | Value::List(..)
        | Value::Map(..)
        | Value::Struct(..)
        | Value::Pointer(..)
        | Value::Object(_) => None,
    }
}

/// The order of two values of basic kinds; `None` if the kinds do not go together, or for what has no order.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Text(left, _), Value::Text(right, _)) => Some(left.cmp(right)),
        _ => Some(whole(left)?.cmp(&whole(right)?)),
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value, _) => Some(i128::from(*value)),
        Value::Uint(value, _) => Some(i128::from(*value)),
        _ => None,
    }
}

/// Whether two kinds may stand on both sides.
fn compatible(left: Basic, right: Basic) -> bool {
    let whole = |kind| matches!(kind, Basic::Int | Basic::Uint);
    left == right || (whole(left) && whole(right))
}

/// Whether the first equals any of the others.
pub(super) fn eq(arguments: &[Cell]) -> Result<bool, String> {
    let left = first(arguments).unboxed();
    if arguments.len() < 2 {
        return Err("missing argument for comparison".to_owned());
    }
    for right in arguments.iter().skip(1) {
        if equal(&left, &right.clone().unboxed())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (basic(left), basic(right)) {
        (Some(one), Some(other)) if compatible(one, other) => Ok(order(left, right) == Some(Ordering::Equal)),
        (None, None) => composite(left, right),
        _ if matches!(left, Value::Missing) || matches!(right, Value::Missing) => Ok(false),
        _ => Err(BAD_PAIR.to_owned()),
    }
}

/// What `reflect` calls the kind, as far as two of them must agree.
fn shape(value: &Value) -> u8 {
    let kind = match value {
        Value::Missing => return 0,
        Value::List(..) => return 1,
        Value::Map(..) => return 2,
        Value::Pointer(..) | Value::Object(_) => return 3,
        Value::Struct(..) | Value::Text(..) => return 4,
        Value::Nil(kind) => kind,
        Value::Bool(_) | Value::Int(..) | Value::Uint(..) | Value::Float(_) => return 5,
    };
    match kind.base() {
        Type::List(_) => 1,
        Type::Map(..) => 2,
        Type::Pointer(_) => 3,
        _ => 6,
    }
}

fn composite(left: &Value, right: &Value) -> Result<bool, String> {
    let nil = |value: &Value| matches!(value, Value::Missing | Value::Nil(_));
    let (one, other) = (shape(left), shape(right));
    if one != other && one != 0 && other != 0 {
        let (first, second) = (shown(left, "%s"), shown(right, "%v"));
        let (kind, other) = (left.type_name(), right.type_name());
        return Err(format!("non-comparable types {first}: {kind}, {other}: {second}"));
    }
    if nil(left) || nil(right) {
        return Ok(nil(left) == nil(right));
    }
    match same(left, right) {
        Some(same) => Ok(same),
        None => Err(format!(
            "non-comparable type {}: {}",
            shown(right, "%s"),
            right.type_name()
        )),
    }
}

/// Go's `==` of two values in interfaces; `None` for lists and maps, which have none.
fn same(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Pointer(left, _), Value::Pointer(right, _)) => Some(Rc::ptr_eq(left, right)),
        (Value::Object(left), Value::Object(right)) => Some(Rc::ptr_eq(left, right)),
        (Value::Struct(left, one), Value::Struct(right, other)) => {
            let mut all = one == other;
            for (left, right) in left.iter().zip(right.iter()) {
                all &= same(left, right)?;
            }
            Some(all)
        }
        (_, Value::List(..) | Value::Map(..)) => None,
        (Value::Nil(_), Value::Nil(_)) => Some(true),
        _ => Some(left.type_name() == right.type_name() && order(left, right) == Some(Ordering::Equal)),
    }
}

fn shown(value: &Value, format: &str) -> String {
    let argument = Some(value.clone());
    print::sprintf(format.as_bytes(), &[argument]).map_or_else(
        |error| error.to_string(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

pub(super) fn ne(arguments: &[Cell]) -> Result<bool, String> {
    eq(arguments).map(|equal| !equal)
}

pub(super) fn lt(arguments: &[Cell]) -> Result<bool, String> {
    let [left, right] = arguments else {
        return Err(BAD_TYPE.to_owned());
    };
    let (left, right) = (left.clone().unboxed(), right.clone().unboxed());
    let (Some(one), Some(other)) = (basic(&left), basic(&right)) else {
        return Err(BAD_TYPE.to_owned());
    };
    if !compatible(one, other) {
        return Err(BAD_PAIR.to_owned());
    }
    if one == Basic::Bool {
        return Err(BAD_TYPE.to_owned());
    }
    Ok(order(&left, &right) == Some(Ordering::Less))
}

pub(super) fn le(arguments: &[Cell]) -> Result<bool, String> {
    Ok(lt(arguments)? || eq(arguments)?)
}
