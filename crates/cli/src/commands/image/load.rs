//! `load`: reads images out of an archive.

use std::io::{self, IsTerminal as _};

use crate::archive::Source;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::platform;
use crate::progress;
use crate::terminal;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("input", Kind::Text, "Read from this file instead of STDIN").short('i'),
    Flag::new("platform", Kind::Text, "Load only this platform"),
    Flag::new("quiet", Kind::Bool, "Do not show progress").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["load"],
    shortcut: Some("load"),
    usage: "[OPTIONS]",
    about: "Load an image from a tar archive or STDIN",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: load,
};

fn load(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let platform = platform::encoded(parsed.text("platform"));
    let platform = platform.map_err(|error| Failure::new(format!("invalid platform: {error}")))?;
    let source = match parsed.text("input").filter(|path| !path.is_empty() && *path != "-") {
        Some(path) => Source::open(path)?,
        None if terminal::is_terminal() => return Err(Failure::new("requested load from stdin, but stdin is empty")),
        None => Source::Stdin,
    };
    let client = invocation.client()?;
    let terminal = io::stdout().is_terminal();
    block_on(async {
        client.negotiate().await?;
        let messages = client
            .load_images(source.upload(), parsed.on("quiet") || !terminal, &platform)
            .await?;
        progress::show(messages, &mut io::stdout(), terminal).await
    })
}
