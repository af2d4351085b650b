//! `export`: a container's whole root as a tar archive.

use std::io::{self, IsTerminal as _};

use corten_client::FilesOf;

use crate::archive::ToFile;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(in crate::commands) const FLAGS: &[Flag] =
    &[Flag::new("output", Kind::Text, "Write to this file instead of STDOUT").short('o')];

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
    write(invocation, parsed, &FilesOf::Container(parsed.arguments[0].clone()))
}

/// Writes the whole of it to where the flags say.
pub(in crate::commands) fn write(invocation: &Invocation, parsed: &Parsed, of: &FilesOf) -> Result<(), Failure> {
    let client = invocation.client()?;
    let failed = match of {
        FilesOf::Container(_) => "failed to export container",
        FilesOf::Volume(_) => "failed to export volume",
    };
    match parsed.text("output").filter(|path| !path.is_empty()) {
        Some(path) => block_on(async {
            let file = ToFile::begin(path).map_err(|error| Failure::new(format!("{failed}: {error}")))?;
            file.fill(client.export(of).await?).await
        }),
        None if io::stdout().is_terminal() => Err(Failure::new(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect",
        )),
        None => block_on(async { output::archive(client.export(of).await?).await }),
    }
}
