//! `context export`: a context in one file, to be imported elsewhere.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use super::create::copy;
use super::store;
use crate::context::{check_name, write};
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::option::pair::reason;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["export"],
    shortcut: None,
    usage: "[OPTIONS] CONTEXT [FILE|-]",
    about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    arguments: Arguments::Between(1, 2),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: export,
};

fn export(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let name = parsed.arguments[0].as_str();
    check_name(name)?;
    let file = match parsed.arguments.get(1) {
        Some(file) => file.clone(),
        None => format!("{name}.dockercontext"),
    };
    let (meta, material) = copy(invocation, &store(invocation), name)?;
    let bytes = write(&meta, &material)?;
    if file == "-" {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            return Err(Failure::new(
                "cowardly refusing to export to a terminal, specify a file path",
            ));
        }
        out.write_all(&bytes)?;
        return Ok(out.flush()?);
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut open| open.write_all(&bytes))
        .map_err(|error| Failure::new(format!("open {file}: {}", reason(&error))))?;
    crate::speech::tell(&format!("Written file {file:?}"));
    Ok(())
}
