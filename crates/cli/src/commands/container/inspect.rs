//! `container inspect`.

use crate::commands::system::inspect::{Found, show};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::schema;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print by a template, or as json").short('f'),
    Flag::new("size", Kind::Bool, "Show the size of files").short('s'),
];

pub(super) const VERB: Verb = Verb {
    names: &["inspect"],
    shortcut: None,
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Display detailed information on one or more containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: inspect,
};

fn inspect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let size = parsed.on("size");
    let ask = async |name: &str| client.inspect_container_raw(name, size).await;
    let found = block_on(Found::each(&parsed.arguments, &schema::CONTAINER, ask))?;
    show(parsed.text("format"), found)
}
