//! `context use`: the context that counts from now on, kept in `config.json`.

use super::store;
use crate::config::{directory, host_variable, rewrite};
use crate::context::{DEFAULT, check_name};
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["use"],
    shortcut: None,
    usage: "CONTEXT",
    about: "Choose the context to work with",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: choose,
};

fn choose(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let name = parsed.arguments[0].as_str();
    check_name(name)?;
    if name != DEFAULT {
        store(invocation).load(name)?;
    }
    let kept = if name == DEFAULT { "" } else { name };
    if invocation.config().current_context != kept {
        rewrite(
            &directory(invocation.globals.config.as_deref()),
            &[("currentContext", kept)],
        )?;
    }
    output::line(name)?;
    crate::speech::tell(&format!("Current context is now {name:?}"));
    if let (Some((variable, _)), false) = (host_variable(), name == DEFAULT) {
        crate::speech::tell(&format!(
            "Warning: {variable} environment variable overrides the active context. To use {name:?}, either set the \
             global --context flag, or unset {variable} environment variable."
        ));
    }
    Ok(())
}
