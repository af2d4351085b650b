//! `diff`: the paths that differ from a container's image.

use corten_api::container::FilesystemChange;

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["diff"],
    shortcut: Some("diff"),
    usage: "CONTAINER",
    about: "Inspect changes to files or directories on a container's filesystem",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: diff,
};

fn diff(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let name = &parsed.arguments[0];
    if name.is_empty() {
        return Err(Failure::new("Container name cannot be empty"));
    }
    let client = invocation.client()?;
    let changes = block_on(async { Ok(client.changed_paths(name).await?) })?;
    output::print(&changes.iter().map(line).collect::<String>())
}

fn line(change: &FilesystemChange) -> String {
    let kind = match change.kind {
        0 => "C",
        1 => "A",
        2 => "D",
        _ => "",
    };
    format!("{kind} {}\n", change.path)
}
