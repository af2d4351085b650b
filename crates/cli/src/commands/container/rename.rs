//! `rename`: gives a container another name.

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["rename"],
    shortcut: Some("rename"),
    usage: "CONTAINER NEW_NAME",
    about: "Rename a container",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: rename,
};

fn rename(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let [old, new] = [parsed.arguments[0].trim(), parsed.arguments[1].trim()];
    if old.is_empty() || new.is_empty() {
        return Err(Failure::new("Error: Neither old nor new names may be empty"));
    }
    block_on(async {
        match client.rename_container(old, new).await {
            Err(error) if error.status().is_some() => Err(Failure::new(format!(
                "{error}\nError: failed to rename container named {old}"
            ))),
            renamed => Ok(renamed?),
        }
    })
}
