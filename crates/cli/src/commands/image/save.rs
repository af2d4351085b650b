//! `save`: writes images to an archive.

use std::io::{self, IsTerminal as _};

use crate::archive::ToFile;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::platform;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("output", Kind::Text, "Write to this file instead of STDOUT").short('o'),
    Flag::new("platform", Kind::Text, "Save only this platform"),
];

pub(super) const VERB: Verb = Verb {
    names: &["save"],
    shortcut: Some("save"),
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: save,
};

fn save(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let platform = &platform::encoded(parsed.text("platform"));
    let platform = platform
        .as_ref()
        .map_err(|error| Failure::new(format!("invalid platform: {error}")))?;
    let client = invocation.client()?;
    let names = &parsed.arguments;
    match parsed.text("output").filter(|path| !path.is_empty()) {
        Some(path) => block_on(async {
            let file = ToFile::begin(path).map_err(|error| Failure::new(format!("failed to save image: {error}")))?;
            file.fill(client.save_images(names, platform).await?).await
        }),
        None if io::stdout().is_terminal() => Err(Failure::new(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect",
        )),
        None => block_on(async { output::archive(client.save_images(names, platform).await?).await }),
    }
}
