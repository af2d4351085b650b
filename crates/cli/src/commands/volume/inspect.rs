//! `volume inspect`.

use corten_client::Client;

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
    let found = block_on(find(&client, &parsed.arguments))?;
    show(parsed.text("format"), found)
}

async fn find(client: &Client, names: &[String]) -> Result<Found, Failure> {
    let mut found = Found::default();
    for name in names {
        found.add_as(Some(&schema::VOLUME), client.inspect_volume_raw(name).await)?;
    }
    Ok(found)
}
