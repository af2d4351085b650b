//! `context show`: the name of the context in use.

use crate::config::context_name;
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["show"],
    shortcut: None,
    usage: "",
    about: "Print the name of the current context",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: show,
};

fn show(invocation: &Invocation, _parsed: &Parsed) -> Result<(), Failure> {
    output::line(&context_name(&invocation.globals))
}
