//! `volume cp`: copies files between a volume and this host; no container is needed. Corten's own.

use corten_client::FilesOf;

use crate::commands::container::cp;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[
    Flag::new("follow-link", Kind::Bool, "Copy what a link in SRC_PATH leads to").short('L'),
    Flag::new(
        "quiet",
        Kind::Bool,
        "Do not show progress; without a terminal it never is",
    )
    .short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["cp"],
    shortcut: None,
    usage: "[OPTIONS] VOLUME:SRC_PATH DEST_PATH|-\n\tdocker volume cp [OPTIONS] SRC_PATH|- VOLUME:DEST_PATH",
    about: "Copy files/folders between a volume and the local filesystem",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: copy,
};

fn copy(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    cp::run(invocation, parsed, FilesOf::Volume)
}
