//! `volume clone`: a new volume with what is in another one. Corten's own.

use super::import::FLAGS;
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["clone"],
    shortcut: None,
    usage: "[OPTIONS] VOLUME NEW_VOLUME",
    about: "Create a volume from the contents of another one",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: clone,
};

fn clone(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let (source, name) = (&parsed.arguments[0], &parsed.arguments[1]);
    let labels = parsed.owned("label");
    let client = invocation.client()?;
    let made = block_on(async { Ok(client.clone_volume(source, name, &labels).await?) })?;
    output::line(&made.name)
}
