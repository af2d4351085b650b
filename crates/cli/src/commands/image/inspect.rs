//! `image inspect`.

use crate::commands::system::inspect::{Found, show};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::platform;
use crate::schema;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print by a template, or as json").short('f'),
    Flag::new("platform", Kind::Text, "Look at this platform"),
];

pub(super) const VERB: Verb = Verb {
    names: &["inspect"],
    shortcut: None,
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Display detailed information on one or more images",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: inspect,
};

fn inspect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let platform = platform::encoded(parsed.text("platform")).map_err(|error| Failure::new(error.to_string()))?;
    let client = invocation.client()?;
    let ask = async |name: &str| client.inspect_image_raw(name, &platform).await;
    let found = block_on(Found::each(&parsed.arguments, &schema::IMAGE, ask))?;
    show(parsed.text("format"), found)
}
