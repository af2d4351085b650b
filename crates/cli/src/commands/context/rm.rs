//! `context rm`: removes contexts with their material.

use super::store;
use crate::config::{context_name, directory, rewrite};
use crate::context::{DEFAULT, Store};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[Flag::new("force", Kind::Bool, "Remove a context even if it is in use").short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["rm", "remove"],
    shortcut: None,
    usage: "CONTEXT [CONTEXT...]",
    about: "Remove one or more contexts",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: remove,
};

fn remove(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let store = store(invocation);
    let current = context_name(&invocation.globals);
    let mut errors = Vec::new();
    for name in &parsed.arguments {
        match remove_one(invocation, &store, name, &current, parsed.on("force")) {
            Ok(()) => output::line(name)?,
            Err(failure) => errors.push(failure.text),
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(errors.join("\n"))),
    }
}

fn remove_one(invocation: &Invocation, store: &Store, name: &str, current: &str, force: bool) -> Result<(), Failure> {
    if name == DEFAULT {
        return Err(Failure::new("context \"default\" cannot be removed"));
    }
    if !force && !store.exists(name) {
        return Err(Failure::new(format!("context {name:?} does not exist")));
    }
    if !force && name == current {
        return Err(Failure::new(format!(
            "context {name:?} is in use, set -f flag to force remove"
        )));
    }
    if invocation.config().current_context == name {
        rewrite(
            &directory(invocation.globals.config.as_deref()),
            &[("currentContext", "")],
        )?;
    }
    Ok(store.remove(name)?)
}
