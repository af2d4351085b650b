//! Pipelines and commands: each command gets the value of the one before as its last argument.

use super::{Outcome, Run};
use crate::read::Number;
use crate::read::node::{Command, Operand, Pipe, Term};
use crate::value::{Cell, Type, Value};

impl<'a> Run<'a> {
    /// The value of a pipeline, which its variables hold too.
    pub(super) fn pipeline(&mut self, dot: &Cell, pipe: &'a Pipe) -> Outcome<Cell> {
        self.deeper(|run| {
            run.step()?;
            run.at = (pipe.position, pipe);
            let mut last: Option<Cell> = None;
            for command in &pipe.commands {
                let cell = run.command(dot, command, last)?;
                last = Some(Cell::bare(if cell.boxed { cell.unboxed() } else { cell.value }));
            }
            let cell = last.unwrap_or(Cell::bare(Value::Missing));
            for name in &pipe.variables {
                if pipe.assigns {
                    run.assign(name, cell.clone())?;
                } else {
                    run.variables.push((name, cell.clone()));
                }
            }
            Ok(cell)
        })
    }

    pub(super) fn assign(&mut self, name: &str, cell: Cell) -> Outcome<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => *slot = cell,
            None => return self.fault(format!("undefined variable: {name}")),
        }
        Ok(())
    }

    pub(super) fn variable(&self, name: &str) -> Outcome<Cell> {
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, cell)) => Ok(cell.clone()),
            None => self.fault(format!("undefined variable: {name}")),
        }
    }

    fn command(&mut self, dot: &Cell, command: &'a Command, last: Option<Cell>) -> Outcome<Cell> {
        let Some((first, rest)) = command.operands.split_first() else {
            return self.fault("empty command");
        };
        match &first.term {
            Term::Function(name) => {
                self.at = (first.position, &first.term);
                self.function(dot, name, (first.position, command), rest, last)
            }
            Term::Field(_) | Term::Chain(..) | Term::Variable(..) => self.path(dot, first, rest, last),
            Term::Pipe(pipe) => {
                self.no_arguments(first, rest, last.as_ref())?;
                self.pipeline(dot, pipe)
            }
            Term::Dot | Term::Nil | Term::Bool(_) | Term::Number(_) | Term::Text(..) => {
                self.at = (first.position, &first.term);
                self.no_arguments(first, rest, last.as_ref())?;
                match &first.term {
                    Term::Dot => Ok(dot.clone()),
                    Term::Nil => self.fault("nil is not a command"),
                    term => self.literal(term),
                }
            }
        }
    }

    pub(super) fn no_arguments(&self, first: &Operand, rest: &[Operand], last: Option<&Cell>) -> Outcome<()> {
        if rest.is_empty() && last.is_none() {
            return Ok(());
        }
        let shown = match &first.term {
            Term::Pipe(pipe) => pipe.to_string(),
            term => term.to_string(),
        };
        self.fault(format!("can't give argument to non-function {shown}"))
    }

    /// A literal where any type will do.
    pub(super) fn literal(&self, term: &Term) -> Outcome<Cell> {
        match term {
            Term::Bool(value) => Ok(Cell::bare(Value::Bool(*value))),
            Term::Text(_, bytes) => Ok(Cell::bare(Value::text(bytes))),
            Term::Number(number) => self.constant(number),
            other => self.fault(format!(
                "can't evaluate command {}",
                crate::quote::quote(other.to_string().as_bytes(), false)
            )),
        }
    }

    fn constant(&self, number: &Number) -> Outcome<Cell> {
        match (number.float, number.int) {
            (Some(float), _) if number.looks_like_float() => Ok(Cell::bare(Value::Float(float))),
            (_, Some(int)) => Ok(Cell::bare(Value::Int(int, &Type::Int))),
            _ => self.fault(format!("{} overflows int", number.source)),
        }
    }
}
