//! A template is run: nodes are walked, pipelines evaluated, values printed.
//!
//! The run keeps the node it is at for the text of an error, which is Go's. Nesting, steps and output have
//! limits, so that no template runs for ever or fills the memory.

mod argument;
mod call;
mod field;
mod pipeline;
mod range;

use std::fmt;

use crate::function::Function;
use crate::print;
use crate::read::Trees;
use crate::read::node::{Action, Branch, Call, List, Node, Pipe};
use crate::value::{Cell, Value};

/// How deep actions, parentheses and templates may be nested when running.
pub(crate) const DEEPEST: usize = 150;

/// How many nodes may be walked.
const MOST_STEPS: u64 = 20_000_000;

/// How many bytes may be written.
const LARGEST: usize = 64 << 20;

/// What a key that a map does not have gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// `<no value>`.
    #[default]
    NoValue,
    /// An error.
    Error,
}

/// A template could not be run. The text is Go's, with place and node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {root}:{line}:{column}: executing {name} at <{node}>: {reason}")]
pub struct RunError {
    root: String,
    line: usize,
    column: usize,
    name: String,
    node: String,
    reason: String,
}

type Outcome<T> = Result<T, Box<RunError>>;

/// How a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// What does not change during a run.
pub(crate) struct Setting<'a> {
    pub(crate) name: &'a str,
    pub(crate) source: &'a str,
    pub(crate) trees: &'a Trees,
    pub(crate) functions: &'static [Function],
    pub(crate) missing: Missing,
}

struct Run<'a> {
    setting: Setting<'a>,
    /// The template being run.
    name: &'a str,
    variables: Vec<(&'a str, Cell)>,
    at: (usize, &'a dyn fmt::Display),
    out: Vec<u8>,
    depth: usize,
    steps: u64,
}

/// Runs the template's own tree over `data`.
pub(crate) fn run(setting: Setting<'_>, data: &Value) -> Result<Vec<u8>, RunError> {
    let (trees, name) = (setting.trees, setting.name);
    let mut run = Run {
        setting,
        name,
        variables: vec![("$", Cell::bare(data.clone()))],
        at: (0, &""),
        out: Vec::new(),
        depth: 0,
        steps: 0,
    };
    if let Some(root) = trees.get(name) {
        run.list(&Cell::bare(data.clone()), root).map_err(|error| *error)?;
    }
    Ok(run.out)
}

impl<'a> Run<'a> {
    fn fault<T>(&self, reason: impl Into<String>) -> Outcome<T> {
        let (position, node) = self.at;
        let before = self.setting.source.get(..position).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Err(Box::new(RunError {
            root: self.setting.name.to_owned(),
            line: 1 + before.bytes().filter(|byte| *byte == b'\n').count(),
            column: position - start,
            name: crate::quote::quote(self.name.as_bytes(), false),
            node: node.to_string(),
            reason: reason.into(),
        }))
    }

    fn step(&mut self) -> Outcome<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return self.fault(format!("more than {MOST_STEPS} steps"));
        }
        Ok(())
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth == DEEPEST {
            return self.fault(format!("exceeded maximum template depth ({DEEPEST})"));
        }
        self.depth += 1;
        let outcome = work(self);
        self.depth -= 1;
        outcome
    }

    fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        if self.out.len() + bytes.len() > LARGEST {
            return self.fault(format!("output is larger than {} MiB", LARGEST >> 20));
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn list(&mut self, dot: &Cell, list: &'a List) -> Outcome<Flow> {
        self.deeper(|run| {
            for node in &list.0 {
                run.step()?;
                let flow = run.node(dot, node)?;
                if flow != Flow::On {
                    return Ok(flow);
                }
            }
            Ok(Flow::On)
        })
    }

    fn node(&mut self, dot: &Cell, node: &'a Node) -> Outcome<Flow> {
        match node {
            Node::Text(text) => self.write(text.as_bytes())?,
            Node::Action(pipe) => self.action(dot, pipe)?,
            Node::If(branch) => return self.condition(dot, branch, false),
            Node::With(branch) => return self.condition(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template(call) => self.template(dot, call)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    /// An action prints its value unless it gives it to variables.
    fn action(&mut self, dot: &Cell, pipe: &'a Pipe) -> Outcome<()> {
        let cell = self.pipeline(dot, pipe)?;
        if !pipe.variables.is_empty() {
            return Ok(());
        }
        let printed = match cell.value {
            Value::Missing => Ok(b"<no value>".to_vec()),
            Value::Pointer(to, _) => print::sprint(&[Some(to.behind())]),
            value => print::sprint(&[Some(value)]),
        };
        match printed {
            Ok(bytes) => self.write(&bytes),
            Err(error) => self.fault_at(pipe, error.to_string()),
        }
    }

    /// A fault in printing what a pipeline gave.
    fn fault_at(&self, pipe: &Pipe, reason: String) -> Outcome<()> {
        let mut error = self.fault::<()>(reason);
        if let Err(error) = &mut error {
            error.node = Action(pipe).to_string();
        }
        error
    }

    /// `if` and, with `moves`, `with`.
    fn condition(&mut self, dot: &Cell, branch: &'a Branch, moves: bool) -> Outcome<Flow> {
        let mark = self.variables.len();
        let cell = self.pipeline(dot, &branch.pipe)?;
        let flow = if cell.clone().unboxed().is_true() {
            self.list(if moves { &cell } else { dot }, &branch.list)
        } else {
            match &branch.otherwise {
                Some(list) => self.list(dot, list),
                None => Ok(Flow::On),
            }
        };
        self.variables.truncate(mark);
        flow
    }

    fn template(&mut self, dot: &Cell, call: &'a Call) -> Outcome<()> {
        self.at = (call.position, call);
        let Some((name, tree)) = self.setting.trees.get_key_value(&call.name) else {
            let name = crate::quote::quote(call.name.as_bytes(), false);
            return self.fault(format!("template {name} not defined"));
        };
        if self.depth == DEEPEST {
            return self.fault(format!("exceeded maximum template depth ({DEEPEST})"));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Cell::bare(Value::Missing),
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let outer_name = std::mem::replace(&mut self.name, name);
        let outcome = self.list(&dot, tree);
        self.variables = outer;
        if outcome.is_ok() {
            self.name = outer_name;
        }
        outcome.map(drop)
    }
}
