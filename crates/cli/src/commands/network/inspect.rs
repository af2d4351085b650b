//! `network inspect`.

use crate::commands::system::inspect::{Found, show};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::schema;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print by a template, or as json").short('f'),
    Flag::new("verbose", Kind::Bool, "Show more, to find what is wrong").short('v'),
];

pub(super) const VERB: Verb = Verb {
    names: &["inspect"],
    shortcut: None,
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    about: "Display detailed information on one or more networks",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: inspect,
};

fn inspect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let verbose = parsed.on("verbose");
    let ask = async |name: &str| client.inspect_network_raw(name, verbose).await;
    let found = block_on(Found::each(&parsed.arguments, &schema::NETWORK, ask))?;
    show(parsed.text("format"), found)
}
