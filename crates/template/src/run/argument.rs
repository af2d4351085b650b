//! Arguments: a term becomes a value of the type that a parameter wants.

use super::{Outcome, Run};
use crate::function::Param;
use crate::read::node::{Operand, Term};
use crate::value::{Cell, Type, Value};

impl<'a> Run<'a> {
    /// The value of an operand where no type is asked for.
    pub(super) fn evaluate(&mut self, dot: &Cell, operand: &'a Operand) -> Outcome<Cell> {
        self.at = (operand.position, &operand.term);
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Cell::bare(Value::Missing)),
            Term::Field(_) | Term::Variable(..) | Term::Chain(..) => self.path(dot, operand, &[], None),
            Term::Pipe(pipe) => self.pipeline(dot, pipe),
            Term::Function(name) => self.function(dot, name, (operand.position, &operand.term), &[], None),
            Term::Bool(_) | Term::Number(_) | Term::Text(..) => self.literal(&operand.term),
        }
    }

    /// The value of an operand for a parameter.
    pub(super) fn argument(&mut self, dot: &Cell, param: Param, operand: &'a Operand) -> Outcome<Cell> {
        self.at = (operand.position, &operand.term);
        match &operand.term {
            Term::Nil => match param {
                Param::Any => Ok(nil_interface()),
                Param::Value => Ok(Cell::bare(Value::Missing)),
                Param::Text | Param::Int => self.fault(format!("cannot assign nil to {}", param.name())),
            },
            Term::Bool(_) | Term::Number(_) | Term::Text(..) => self.literal_for(param, &operand.term),
            Term::Dot | Term::Function(_) | Term::Variable(..) | Term::Field(_) | Term::Chain(..) | Term::Pipe(_) => {
                let cell = self.evaluate(dot, operand)?;
                self.fitting(cell, param)
            }
        }
    }

    fn literal_for(&self, param: Param, term: &Term) -> Outcome<Cell> {
        match (param, term) {
            (Param::Text, Term::Text(_, bytes)) => Ok(Cell::bare(Value::text(bytes))),
            (Param::Text, other) => self.fault(format!("expected string; found {other}")),
            (Param::Int, Term::Number(number)) if number.int.is_some() => {
                Ok(Cell::bare(Value::Int(number.int.unwrap_or(0), &Type::Int)))
            }
            (Param::Int, other) => self.fault(format!("expected integer; found {other}")),
            (Param::Any | Param::Value, literal) => self.literal(literal),
        }
    }

    /// The value as the parameter takes it, behind one interface or pointer if need be.
    pub(super) fn fitting(&self, cell: Cell, param: Param) -> Outcome<Cell> {
        if param == Param::Value {
            return Ok(cell);
        }
        if matches!(cell.value, Value::Missing) {
            return match param {
                Param::Any | Param::Value => Ok(nil_interface()),
                Param::Text | Param::Int => self.fault(format!("invalid value; expected {}", param.name())),
            };
        }
        let fits = |value: &Value| match (param, value) {
            (Param::Any | Param::Value, _) => true,
            (Param::Text, Value::Text(_, kind)) => **kind == Type::Text,
            (Param::Int, Value::Int(_, kind)) => **kind == Type::Int,
            (Param::Text | Param::Int, _) => false,
        };
        if fits(&cell.value) {
            return Ok(if param == Param::Any {
                cell
            } else {
                Cell::bare(cell.value)
            });
        }
        match &cell.value {
            Value::Pointer(to, _) if fits(to) => Ok(Cell::bare(to.as_ref().clone())),
            value => {
                let (wanted, got) = (param.name(), value.type_name());
                self.fault(format!("wrong type for value; expected {wanted}; got {got}"))
            }
        }
    }
}

fn nil_interface() -> Cell {
    Cell {
        value: Value::Nil(&Type::Any),
        boxed: true,
    }
}
