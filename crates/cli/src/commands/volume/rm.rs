//! `volume rm`: removes volumes.

use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[Flag::new(
    "force",
    Kind::Bool,
    "Do not complain about a volume that does not exist",
)
.short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["rm", "remove"],
    shortcut: None,
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Remove one or more volumes that no container uses",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: remove,
};

fn remove(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    block_on(remove_all(&client, &parsed.arguments, parsed.on("force")))
}

async fn remove_all(client: &Client, names: &[String], force: bool) -> Result<(), Failure> {
    let mut errors = Vec::new();
    for name in names {
        match client.remove_volume(name, force).await {
            Ok(()) => output::line(name)?,
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(errors.join("\n")))
    }
}
