//! `export`: a container's whole root as a tar archive.

use std::io::{self, IsTerminal as _};

use crate::archive::ToFile;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[Flag::new("output", Kind::Text, "Write to this file instead of STDOUT").short('o')];

pub(super) const VERB: Verb = Verb {
    names: &["export"],
    shortcut: Some("export"),
    usage: "[OPTIONS] CONTAINER",
    about: "Export a container's filesystem as a tar archive",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: export,
};

fn export(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let name = &parsed.arguments[0];
    match parsed.text("output").filter(|path| !path.is_empty()) {
        Some(path) => block_on(async {
            let file =
                ToFile::begin(path).map_err(|error| Failure::new(format!("failed to export container: {error}")))?;
            file.fill(client.export_container(name).await?).await
        }),
        None if io::stdout().is_terminal() => Err(Failure::new(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect",
        )),
        None => block_on(async { output::stream(client.export_container(name).await?, &mut io::stdout()).await }),
    }
}
