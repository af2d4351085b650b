//! `context update`: changes a context's description or engine.

use super::create::engine;
use super::store;
use crate::context::check_new_name;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[
    Flag::new("description", Kind::Text, "Describe the context in a few words"),
    Flag::new(
        "docker",
        Kind::StringMap,
        "Set the engine: host=ADDRESS, ca=FILE, cert=FILE, key=FILE, skip-tls-verify=BOOL, or from=CONTEXT",
    )
    .default("[]"),
];

pub(super) const VERB: Verb = Verb {
    names: &["update"],
    shortcut: None,
    usage: "[OPTIONS] CONTEXT",
    about: "Update a context",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: update,
};

fn update(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let name = parsed.arguments[0].as_str();
    check_new_name(name)?;
    let store = store(invocation);
    let mut meta = store.load(name)?;
    meta.describe(&parsed.text_or_empty("description"));
    if parsed.is_set("docker") {
        let (host, skip_verify, material) = engine(invocation, &store, parsed)?;
        meta.set_engine(&host, skip_verify);
        store.save_material(name, &material)?;
    }
    store.save(&meta)?;
    output::line(name)?;
    crate::speech::tell(&format!("Successfully updated context {name:?}"));
    Ok(())
}
