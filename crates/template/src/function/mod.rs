//! Functions that a template can call: Go's own and Docker's.

mod compare;
mod docker;
mod escape;
mod index;

use crate::print::{self, Argument};
use crate::value::{Cell, Value};

pub(crate) use docker::{DOCKER, HEADS};

/// What a function takes for an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// The value with all that Go knows of it (`reflect.Value`).
    Value,
    /// Any value (`interface {}`).
    Any,
    /// A `string`.
    Text,
    /// An `int`.
    Int,
}

impl Param {
    /// Go's name for the type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Value => "reflect.Value",
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Int => "int",
        }
    }
}

/// A function's result, or its complaint.
pub(crate) type Outcome = Result<Cell, String>;

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    /// The last parameter may be given any number of times.
    pub(crate) variadic: bool,
    pub(crate) call: fn(&[Cell]) -> Outcome,
}

const fn fixed(name: &'static str, params: &'static [Param], call: fn(&[Cell]) -> Outcome) -> Function {
    Function {
        name,
        params,
        variadic: false,
        call,
    }
}

const fn variadic(name: &'static str, params: &'static [Param], call: fn(&[Cell]) -> Outcome) -> Function {
    Function {
        name,
        params,
        variadic: true,
        call,
    }
}

/// Go's own. `and` and `or` evaluate no more than they need, so that the run calls them itself.
pub(crate) const BUILTINS: &[Function] = &[
    variadic("and", &[Param::Value, Param::Value], last),
    variadic("or", &[Param::Value, Param::Value], last),
    variadic("call", &[Param::Value, Param::Value], |_| Err("call of nil".to_owned())),
    variadic("html", &[Param::Any], escape::html),
    variadic("index", &[Param::Value, Param::Value], index::index),
    variadic("slice", &[Param::Value, Param::Value], index::slice),
    variadic("js", &[Param::Any], escape::js),
    fixed("len", &[Param::Value], index::len),
    fixed("not", &[Param::Value], |arguments| {
        truth(!first(arguments).unboxed().is_true())
    }),
    variadic("print", &[Param::Any], |arguments| {
        printed(print::sprint(&values(arguments)))
    }),
    variadic("println", &[Param::Any], |arguments| {
        printed(print::sprintln(&values(arguments)))
    }),
    variadic("printf", &[Param::Text, Param::Any], printf),
    variadic("urlquery", &[Param::Any], escape::urlquery),
    variadic("eq", &[Param::Value, Param::Value], |arguments| {
        compare::eq(arguments).and_then(truth)
    }),
    fixed("ne", &[Param::Value, Param::Value], |arguments| {
        compare::ne(arguments).and_then(truth)
    }),
    fixed("lt", &[Param::Value, Param::Value], |arguments| {
        compare::lt(arguments).and_then(truth)
    }),
    fixed("le", &[Param::Value, Param::Value], |arguments| {
        compare::le(arguments).and_then(truth)
    }),
    fixed("gt", &[Param::Value, Param::Value], |arguments| {
        compare::le(arguments).and_then(|less| truth(!less))
    }),
    fixed("ge", &[Param::Value, Param::Value], |arguments| {
        compare::lt(arguments).and_then(|less| truth(!less))
    }),
];

fn first(arguments: &[Cell]) -> Cell {
    arguments.first().cloned().unwrap_or(Cell::bare(Value::Missing))
}

fn last(arguments: &[Cell]) -> Outcome {
    Ok(arguments.last().cloned().unwrap_or(Cell::bare(Value::Missing)))
}

fn truth(value: bool) -> Outcome {
    Ok(Cell::bare(Value::Bool(value)))
}

fn text(bytes: impl AsRef<[u8]>) -> Outcome {
    Ok(Cell::bare(Value::text(bytes)))
}

fn printed(bytes: Result<Vec<u8>, print::TooLarge>) -> Outcome {
    text(bytes.map_err(|error| error.to_string())?)
}

fn printf(arguments: &[Cell]) -> Outcome {
    let (format, rest) = arguments.split_first().ok_or("missing format")?;
    printed(print::sprintf(bytes(format), &values(rest)))
}

/// Arguments as `fmt` gets them: nil interfaces are nothing.
fn values(arguments: &[Cell]) -> Vec<Argument> {
    let values = arguments.iter().map(|cell| match cell.clone().unboxed() {
        Value::Missing => None,
        value => Some(value),
    });
    values.collect()
}

/// The bytes of an argument that was asked for as text.
fn bytes(cell: &Cell) -> &[u8] {
    match &cell.value {
        Value::Text(text, _) => text,
        _ => &[],
    }
}

/// The number of an argument that was asked for as `int`.
fn number(cell: Option<&Cell>) -> i64 {
    match cell {
        Some(Cell {
            value: Value::Int(number, _),
            ..
        }) => *number,
        _ => 0,
    }
}
