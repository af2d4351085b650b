//! Go's `text/template` with Docker's functions, over values that come from JSON.
//!
//! `read` turns text into trees, `run` walks them over a [`Value`], `print` is Go's `fmt`, `function` what a
//! template can call. Texts of errors are Go's, so that what a user looks up is what others have met. A
//! template mostly has no name, as in Docker's command line.
//!
//! Nothing outside can make it panic, run for ever or fill the memory: nesting, steps and output are
//! limited. Pure: no I/O. Complex numbers, channels and functions as values do not exist here.

mod function;
mod print;
mod quote;
mod read;
mod run;
mod runes;
mod value;

pub use function::Param;
pub use read::ReadError;
pub use run::{Missing, RunError};
pub use value::{DecodeError, Field, Member, Numbers, Object, Struct, Type, Value};

use function::{BUILTINS, DOCKER, HEADS};

/// A template that was read.
#[derive(Debug)]
pub struct Template {
    name: &'static str,
    source: String,
    trees: read::Trees,
}

impl Template {
    /// Reads the text of a template without a name.
    ///
    /// # Errors
    /// The text is no template; said as Go says it: `template: :1: unclosed action`.
    pub fn read(source: &str) -> Result<Self, ReadError> {
        Self::read_named("", source)
    }

    /// The same for a template with a name, which errors tell.
    ///
    /// # Errors
    /// As [`Template::read`].
    pub fn read_named(name: &'static str, source: &str) -> Result<Self, ReadError> {
        let knows = |name: &str| DOCKER.iter().chain(BUILTINS).any(|function| function.name == name);
        Ok(Self {
            name,
            source: source.to_owned(),
            trees: read::read(name, source, &knows)?,
        })
    }

    /// The text that the template makes of `data`.
    ///
    /// # Errors
    /// A field that is not there, an argument of a wrong type, a limit passed; with place and node.
    pub fn run(&self, data: &Value, missing: Missing) -> Result<Vec<u8>, RunError> {
        run::run(self.setting(DOCKER, missing), data)
    }

    /// The same over the heads of a table: functions leave heads as they are.
    ///
    /// # Errors
    /// As [`Template::run`].
    pub fn run_over_heads(&self, heads: &Value) -> Result<Vec<u8>, RunError> {
        run::run(self.setting(HEADS, Missing::NoValue), heads)
    }

    fn setting(&self, functions: &'static [function::Function], missing: Missing) -> run::Setting<'_> {
        run::Setting {
            name: self.name,
            source: &self.source,
            trees: &self.trees,
            functions,
            missing,
        }
    }
}
