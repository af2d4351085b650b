//! `volume inspect`.

use crate::commands::system::inspect::{Found, show};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::schema;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[Flag::new("format", Kind::Text, "Print by a template, or as json").short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["inspect"],
    shortcut: None,
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Display detailed information on one or more volumes",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: inspect,
};

fn inspect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let ask = async |name: &str| client.inspect_volume_raw(name).await;
    let found = block_on(Found::each(&parsed.arguments, &schema::VOLUME, ask))?;
    show(parsed.text("format"), found)
}
