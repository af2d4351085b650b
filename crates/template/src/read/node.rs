//! What a template is made of. Each part is shown as Go shows it in the text of an error.

use std::fmt;

use super::number::Number;

/// Parts in a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct List(pub(crate) Vec<Node>);

/// One part.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Call),
    Break,
    Continue,
}

/// `if`, `with` or `range` with what it governs.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) otherwise: Option<List>,
}

/// `{{template "name" pipe}}`.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) position: usize,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

/// Commands, each given the value of the one before it.
#[derive(Debug, Clone)]
pub(crate) struct Pipe {
    pub(crate) position: usize,
    /// `$x :=` or, with `assigns`, `$x =`.
    pub(crate) variables: Vec<String>,
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
}

/// An operand, and its arguments if it is a function or method.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) operands: Vec<Operand>,
}

/// A term and its place.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) position: usize,
    pub(crate) term: Term,
}

/// What a command is made of.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    Function(String),
    /// The variable with its dollar, then fields.
    Variable(String, Vec<String>),
    Field(Vec<String>),
    /// Fields of the value of another term.
    Chain(Box<Operand>, Vec<String>),
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// As written, and what it stands for.
    Text(String, Vec<u8>),
    Pipe(Pipe),
}

impl List {
    /// Whether there is nothing but space.
    pub(crate) fn is_blank(&self) -> bool {
        self.0.iter().all(|node| match node {
            Node::Text(text) => text.trim_ascii().is_empty(),
            Node::Action(_)
            | Node::If(_)
            | Node::With(_)
            | Node::Range(_)
            | Node::Template(_)
            | Node::Break
            | Node::Continue => false,
        })
    }
}

/// An action in its braces.
pub(crate) struct Action<'a>(pub(crate) &'a Pipe);

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{{}}}}}", self.0)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", crate::quote::quote(self.name.as_bytes(), false))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let mark = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {mark} ", self.variables.join(", "))?;
        }
        for (place, command) in self.commands.iter().enumerate() {
            if place > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, operand) in self.operands.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            match &operand.term {
                Term::Pipe(pipe) => write!(f, "({pipe})")?,
                term => term.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields =
            |f: &mut fmt::Formatter<'_>, names: &[String]| names.iter().try_for_each(|name| write!(f, ".{name}"));
        match self {
            Self::Function(name) => f.write_str(name),
            Self::Variable(name, names) => {
                f.write_str(name)?;
                fields(f, names)
            }
            Self::Field(names) => fields(f, names),
            Self::Chain(operand, names) => {
                match &operand.term {
                    Self::Pipe(pipe) => write!(f, "({pipe})")?,
                    term => term.fmt(f)?,
                }
                fields(f, names)
            }
            Self::Dot => f.write_str("."),
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(number) => f.write_str(&number.source),
            Self::Text(source, _) => f.write_str(source),
            Self::Pipe(pipe) => pipe.fmt(f),
        }
    }
}
