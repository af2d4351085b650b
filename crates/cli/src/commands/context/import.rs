//! `context import`: a context out of an exported file.

use std::fs::File;
use std::io;

use super::store;
use crate::context::{ContextError, check_new_name, read};
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::option::pair::reason;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["import"],
    shortcut: None,
    usage: "CONTEXT FILE|-",
    about: "Import a context from a tar file",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: import,
};

fn import(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let [name, file] = parsed.arguments.as_slice() else {
        return Err(Failure::new("two arguments were checked for"));
    };
    let store = store(invocation);
    check_new_name(name)?;
    if store.exists(name) {
        return Err(ContextError::Exists(name.clone()).into());
    }
    let (mut meta, material) = match file.as_str() {
        "-" => read(io::stdin().lock())?,
        path => {
            let open = File::open(path);
            read(open.map_err(|error| Failure::new(format!("open {path}: {}", reason(&error))))?)?
        }
    };
    name.clone_into(&mut meta.name);
    store.save(&meta)?;
    store.save_material(name, &material)?;
    output::line(name)?;
    crate::speech::tell(&format!("Successfully imported context {name:?}"));
    Ok(())
}
