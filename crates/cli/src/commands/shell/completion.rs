//! `completion`: the script that teaches a shell our commands.

use crate::complete::script;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[Flag::new("no-descriptions", Kind::Bool, "").hidden()];

pub(super) const VERB: Verb = Verb {
    names: &["completion"],
    shortcut: Some("completion"),
    usage: "bash|zsh|fish",
    about: "Print the completion script for a shell",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: completion,
};

fn completion(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let shell = parsed.arguments[0].as_str();
    match script(shell, &invocation.program) {
        Some(text) => output::print(&text),
        None => Err(Failure::new(format!(
            "unknown shell {shell:?}: must be one of bash, zsh or fish"
        ))),
    }
}
