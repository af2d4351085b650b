//! Calls of functions: how many arguments, of which types, and what a function complains of.

use std::fmt;

use super::{Outcome, Run};
use crate::function::{BUILTINS, Function, Param};
use crate::read::node::Operand;
use crate::value::{Cell, Value};

impl<'a> Run<'a> {
    /// Calls a function; `node` is what is named when it complains.
    pub(super) fn function(
        &mut self,
        dot: &Cell,
        name: &'a str,
        node: (usize, &'a dyn fmt::Display),
        rest: &'a [Operand],
        last: Option<Cell>,
    ) -> Outcome<Cell> {
        let of = |table: &'static [Function]| table.iter().find(|function| function.name == name);
        let own = of(self.setting.functions);
        let Some(function) = own.or_else(|| of(BUILTINS)) else {
            let name = crate::quote::quote(name.as_bytes(), false);
            return self.fault(format!("{name} is not a defined function"));
        };
        if own.is_none() && matches!(name, "and" | "or") {
            return self.shortcut(dot, name, rest, last);
        }
        let callee = rest.first().map(|operand| operand.term.to_string());
        let arguments = self.arguments(dot, name, function.params, function.variadic, rest, last)?;
        let outcome = if own.is_none() && name == "call" {
            not_callable(callee, &arguments)
        } else {
            (function.call)(&arguments)
        };
        match outcome {
            Ok(cell) => Ok(cell),
            Err(reason) => {
                self.at = node;
                self.fault(format!("error calling {name}: {reason}"))
            }
        }
    }

    /// `and` and `or` look at no more arguments than they need.
    fn shortcut(&mut self, dot: &Cell, name: &str, rest: &'a [Operand], last: Option<Cell>) -> Outcome<Cell> {
        if rest.is_empty() && last.is_none() {
            return self.fault(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut cell = Cell::bare(Value::Missing);
        for operand in rest {
            cell = self.argument(dot, Param::Value, operand)?;
            if cell.clone().unboxed().is_true() == (name == "or") {
                return Ok(cell);
            }
        }
        Ok(last.unwrap_or(cell))
    }

    /// The arguments, checked against the parameters.
    pub(super) fn arguments(
        &mut self,
        dot: &Cell,
        name: &str,
        params: &[Param],
        variadic: bool,
        rest: &'a [Operand],
        last: Option<Cell>,
    ) -> Outcome<Vec<Cell>> {
        let count = rest.len() + usize::from(last.is_some());
        let fixed = params.len() - usize::from(variadic);
        if variadic && count < fixed {
            let given = rest.len();
            return self.fault(format!(
                "wrong number of args for {name}: want at least {fixed} got {given}"
            ));
        }
        if !variadic && count != params.len() {
            let wanted = params.len();
            return self.fault(format!("wrong number of args for {name}: want {wanted} got {count}"));
        }
        let param = |place: usize| params.get(place).or(params.last()).copied().unwrap_or(Param::Any);
        let mut arguments = Vec::with_capacity(count);
        for (place, operand) in rest.iter().enumerate() {
            arguments.push(self.argument(dot, param(place), operand)?);
        }
        if let Some(last) = last {
            arguments.push(self.fitting(last, param(rest.len()))?);
        }
        Ok(arguments)
    }
}

/// JSON has no functions: `call` always complains.
fn not_callable(callee: Option<String>, arguments: &[Cell]) -> Result<Cell, String> {
    let value = arguments.first().map_or(Value::Missing, |cell| cell.clone().unboxed());
    if matches!(value, Value::Missing) {
        return Err("call of nil".to_owned());
    }
    let kind = value.type_name();
    let callee = callee.unwrap_or_else(|| match &value {
        Value::Text(text, _) => String::from_utf8_lossy(text).into_owned(),
        _ => format!("<{kind} Value>"),
    });
    Err(format!("non-function {callee} of type {kind}"))
}
