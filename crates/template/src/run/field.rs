//! Fields and methods: `.A.B`, `$x.A`, `(pipe).A`.

use super::{Missing, Outcome, Run};
use crate::read::node::{Operand, Term};
use crate::value::{Cell, Member, Struct, Type, Value, time};

impl<'a> Run<'a> {
    /// The value of a field, variable or chain; arguments go to its last name.
    pub(super) fn path(
        &mut self,
        dot: &Cell,
        operand: &'a Operand,
        rest: &'a [Operand],
        last: Option<Cell>,
    ) -> Outcome<Cell> {
        self.at = (operand.position, &operand.term);
        let (mut cell, names) = match &operand.term {
            Term::Field(names) => (dot.clone(), names),
            Term::Variable(name, names) => {
                let cell = self.variable(name)?;
                if names.is_empty() {
                    self.no_arguments(operand, rest, last.as_ref())?;
                    return Ok(cell);
                }
                (cell, names)
            }
            Term::Chain(inner, names) => {
                if matches!(inner.term, Term::Nil) {
                    return self.fault(format!("indirection through explicit nil in {}", operand.term));
                }
                (self.evaluate(dot, inner)?, names)
            }
            Term::Function(_)
            | Term::Dot
            | Term::Nil
            | Term::Bool(_)
            | Term::Number(_)
            | Term::Text(..)
            | Term::Pipe(_) => return self.evaluate(dot, operand),
        };
        let Some((final_name, before)) = names.split_last() else {
            return Ok(cell);
        };
        for name in before {
            cell = self.field(dot, cell, name, operand, &[], None)?;
        }
        self.field(dot, cell, final_name, operand, rest, last)
    }

    fn field(
        &mut self,
        dot: &Cell,
        receiver: Cell,
        name: &str,
        operand: &'a Operand,
        rest: &'a [Operand],
        last: Option<Cell>,
    ) -> Outcome<Cell> {
        if matches!(receiver.value, Value::Missing) {
            if self.setting.missing == Missing::Error {
                let name = crate::quote::quote(name.as_bytes(), false);
                return self.fault(format!("nil data; no entry for key {name}"));
            }
            return Ok(receiver);
        }
        let kind = receiver.type_name();
        if let Value::Nil(Type::Any) = receiver.value {
            return self.fault(format!("nil pointer evaluating {kind}.{name}"));
        }
        if let Some(outcome) = self.method(dot, &receiver.value, name, operand, rest, last.as_ref()) {
            return outcome;
        }
        let has_arguments = !rest.is_empty() || last.is_some();
        match receiver.value.behind() {
            Value::Struct(values, of) => {
                if let Some(cell) = member(&values, of, name) {
                    if has_arguments {
                        return self.fault(format!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(cell);
                }
            }
            value @ (Value::Map(..) | Value::Nil(_)) => match map_entry(&value, name) {
                Entry::Found(_) | Entry::Absent if has_arguments => {
                    return self.fault(format!("{name} is not a method but has arguments"));
                }
                Entry::Found(cell) => return Ok(cell),
                Entry::Absent => return self.absent(name),
                Entry::NilPointer => return self.fault(format!("nil pointer evaluating {kind}.{name}")),
                Entry::Unknown => {}
            },
            Value::Missing
            | Value::Bool(_)
            | Value::Int(..)
            | Value::Uint(..)
            | Value::Float(_)
            | Value::Text(..)
            | Value::List(..)
            | Value::Pointer(..)
            | Value::Object(_) => {}
        }
        self.fault(format!("can't evaluate field {name} in type {kind}"))
    }

    fn absent(&self, name: &str) -> Outcome<Cell> {
        match self.setting.missing {
            Missing::NoValue => Ok(Cell::bare(Value::Missing)),
            Missing::Error => {
                let name = crate::quote::quote(name.as_bytes(), false);
                self.fault(format!("map has no entry for key {name}"))
            }
        }
    }

    /// The method of that name, called; `None` if there is none.
    fn method(
        &mut self,
        dot: &Cell,
        receiver: &Value,
        name: &str,
        operand: &'a Operand,
        rest: &'a [Operand],
        last: Option<&Cell>,
    ) -> Option<Outcome<Cell>> {
        let receiver = match receiver {
            Value::Pointer(to, _) => to.as_ref(),
            other => other,
        };
        let (params, call): (_, Call<'_>) = match receiver {
            Value::Object(object) => match object.member(name) {
                Member::Method(params) => (params, Box::new(|arguments| object.call(name, arguments))),
                Member::Value(value) => (&[] as &[_], Box::new(move |_| Ok(value.clone()))),
                Member::Absent if rest.is_empty() && last.is_none() => return Some(self.absent(name)),
                Member::Absent | Member::Unknown => return None,
            },
            other => {
                let outcome = own_method(other, name)?;
                (&[] as &[_], Box::new(move |_| outcome.clone()))
            }
        };
        let arguments = match self.arguments(dot, name, params, false, rest, last.cloned()) {
            Ok(arguments) => arguments,
            Err(error) => return Some(Err(error)),
        };
        let arguments: Vec<Value> = arguments.into_iter().map(|cell| cell.value).collect();
        Some(match call(&arguments) {
            Ok(value) => Ok(Cell::bare(value)),
            Err(reason) => {
                self.at = (operand.position, &operand.term);
                self.fault(format!("error calling {name}: {reason}"))
            }
        })
    }
}

/// A method with its receiver.
type Call<'a> = Box<dyn Fn(&[Value]) -> Result<Value, String> + 'a>;

/// What a name is to a map.
enum Entry {
    Found(Cell),
    Absent,
    NilPointer,
    Unknown,
}

fn map_entry(value: &Value, name: &str) -> Entry {
    let kind = match value {
        Value::Map(_, kind) | Value::Nil(kind) => kind.base(),
        _ => return Entry::Unknown,
    };
    match kind {
        Type::Map(key, item) if **key == Type::Text => match value {
            Value::Map(entries, _) => match entries.get(name.as_bytes()) {
                Some(found) => Entry::Found(Cell::item(found.clone(), item)),
                None => Entry::Absent,
            },
            _ => Entry::Absent,
        },
        Type::Pointer(Type::Struct(of)) if !has_field(of, name) => Entry::Unknown,
        Type::Pointer(_) => Entry::NilPointer,
        _ => Entry::Unknown,
    }
}

fn has_field(of: &Struct, name: &str) -> bool {
    of.fields.iter().any(|field| match field.kind {
        _ if field.name == name => true,
        Type::Pointer(Type::Struct(inner)) | Type::Struct(inner) if field.key.is_empty() => has_field(inner, name),
        _ => false,
    })
}

/// The field of a struct, its own before those of embedded ones.
fn member(values: &[Value], of: &'static Struct, name: &str) -> Option<Cell> {
    let fields = || of.fields.iter().zip(values);
    if let Some((field, value)) = fields().find(|(field, _)| field.name == name) {
        return Some(Cell::item(value.clone(), field.kind));
    }
    fields()
        .filter(|(field, _)| field.key.is_empty())
        .find_map(|(_, value)| match value.behind() {
            Value::Struct(values, of) => member(&values, of, name),
            _ => None,
        })
}

/// Methods of Go's own types, none of which takes arguments.
fn own_method(value: &Value, name: &str) -> Option<Result<Value, String>> {
    let number = |text: &[u8], name: &str| {
        format!(
            "strconv.{name}: parsing {}: invalid syntax",
            crate::quote::quote(text, false)
        )
    };
    Some(Ok(match (value, name) {
        (Value::Text(text, Type::Number | Type::Time), "String") if value.is_text() => Value::text(text),
        (Value::Text(text, Type::Time), "String") => Value::text(time::shown(text)),
        (Value::Text(text, Type::Time), "IsZero") => Value::Bool(time::is_zero(text)),
        (Value::Text(text, Type::Number), "Int64") => {
            match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
                Some(value) => Value::Int(value, &Type::Int64),
                None => return Some(Err(number(text, "ParseInt"))),
            }
        }
        (Value::Text(text, Type::Number), "Float64") => {
            match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
                Some(value) => Value::Float(value),
                None => return Some(Err(number(text, "ParseFloat"))),
            }
        }
        (Value::Int(nanos, Type::Duration), "String") => Value::text(time::duration(*nanos)),
        (Value::Int(nanos, Type::Duration), "Nanoseconds") => Value::Int(*nanos, &Type::Int64),
        (Value::Int(nanos, Type::Duration), "Milliseconds") => Value::Int(nanos / 1_000_000, &Type::Int64),
        (Value::Int(nanos, Type::Duration), "Seconds") => Value::Float(seconds(*nanos)),
        (Value::Int(nanos, Type::Duration), "Minutes") => Value::Float(seconds(*nanos) / 60.0),
        (Value::Int(nanos, Type::Duration), "Hours") => Value::Float(seconds(*nanos) / 3600.0),
        _ => return None,
    }))
}

#[expect(clippy::cast_precision_loss, reason = "Go loses the same")]
fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}
