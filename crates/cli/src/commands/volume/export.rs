//! `volume export`: what is in a volume as a tar archive. Corten's own.

use corten_client::FilesOf;

use crate::commands::container::export;
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["export"],
    shortcut: None,
    usage: "[OPTIONS] VOLUME",
    about: "Export the contents of a volume as a tar archive",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[export::FLAGS],
        interspersed: true,
    },
    run: write,
};

fn write(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    export::write(invocation, parsed, &FilesOf::Volume(parsed.arguments[0].clone()))
}
