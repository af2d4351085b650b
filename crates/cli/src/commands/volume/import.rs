//! `volume import`: a new volume of a tar archive. Corten's own.

use crate::archive::Source;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::pair;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const FLAGS: &[Flag] = &[Flag::new("label", Kind::Checked(pair::check_label), "Label the volume")];

pub(super) const VERB: Verb = Verb {
    names: &["import"],
    shortcut: None,
    usage: "[OPTIONS] NEW_VOLUME FILE|-",
    about: "Create a volume from the contents of a tar archive",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: import,
};

fn import(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let source = match parsed.arguments[1].as_str() {
        "-" => Source::Stdin,
        path => Source::open(path)?,
    };
    let (name, labels) = (&parsed.arguments[0], parsed.owned("label"));
    let client = invocation.client()?;
    let made = block_on(async { Ok(client.import_volume(name, source.upload(), &labels).await?) })?;
    output::line(&made.name)
}
