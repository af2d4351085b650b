//! Values with methods: rows of lists, heads of tables.

use std::fmt;

use super::Value;
use crate::function::Param;

/// What a name of an object stands for.
#[derive(Debug, Clone)]
pub enum Member {
    /// A method that takes such arguments.
    Method(&'static [Param]),
    /// A method or field without arguments, and its value.
    Value(Value),
    /// Nothing, but asking is no error: a key that a map does not have.
    Absent,
    /// No such field.
    Unknown,
}

/// A value that answers for its own members.
pub trait Object: fmt::Debug {
    /// Go's name for its type: `*formatter.ContainerContext`.
    fn kind(&self) -> &str;

    /// What `.name` stands for.
    fn member(&self, name: &str) -> Member;

    /// Calls the method `name`; the arguments are of the types that [`Member::Method`] asks for.
    ///
    /// # Errors
    /// The method's own complaint.
    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, String>;

    /// Its JSON text.
    fn json(&self) -> String;

    /// The plain value it is, if it is one: a map can be ranged over.
    fn plain(&self) -> Option<Value> {
        None
    }
}
