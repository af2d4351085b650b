//! `man`: writes the manual pages, in both languages, as `make install` needs them.

use std::path::Path;

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::manual::write_all;
use crate::option::pair::reason;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["man"],
    shortcut: Some("man"),
    usage: "DIRECTORY",
    about: "Write the manual pages into DIRECTORY/man1 and DIRECTORY/fr/man1",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: man,
};

fn man(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let directory = parsed.arguments[0].as_str();
    write_all(&invocation.program, Path::new(directory)).map_err(|error| {
        Failure::new(format!(
            "cannot write the manual pages into {directory}: {}",
            reason(&error)
        ))
    })
}
