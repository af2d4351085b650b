//! `context create`: names an engine.

use super::store;
use crate::config::{choose, context_name, default_context_address};
use crate::context::{ContextError, DEFAULT, Material, Meta, Settings, Store, check_new_name, of_default, settings};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::string_map;
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
    Flag::new("from", Kind::Text, "Copy this context"),
];

pub(super) const VERB: Verb = Verb {
    names: &["create"],
    shortcut: None,
    usage: "[OPTIONS] CONTEXT",
    about: "Create a context",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: create,
};

fn create(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let name = parsed.arguments[0].as_str();
    let description = parsed.text_or_empty("description");
    let store = store(invocation);
    check_new_name(name)?;
    if store.exists(name) {
        return Err(ContextError::Exists(name.to_owned()).into());
    }
    let from = parsed.text("from").filter(|from| !from.is_empty());
    let (mut meta, material) = match (from, parsed.is_set("docker")) {
        (Some(_), true) => {
            return Err(Failure::new("cannot use --docker flag when --from is set"));
        }
        (Some(from), false) => copy(invocation, &store, from)?,
        (None, true) => fresh(invocation, &store, name, parsed)?,
        (None, false) => {
            let current = context_name(&invocation.globals);
            let (mut meta, material) = copy(invocation, &store, &current)?;
            if current == DEFAULT {
                meta.describe(super::ls::DEFAULT_DESCRIPTION);
            }
            (meta, material)
        }
    };
    name.clone_into(&mut meta.name);
    meta.describe(&description);
    store.save(&meta)?;
    store.save_material(name, &material)?;
    output::line(name)?;
    crate::speech::tell(&format!("Successfully created context {name:?}"));
    Ok(())
}

/// A context with the engine that `--docker` describes.
fn fresh(invocation: &Invocation, store: &Store, name: &str, parsed: &Parsed) -> Result<(Meta, Material), Failure> {
    let (host, skip_verify, material) = engine(invocation, store, parsed)?;
    let mut meta = Meta::new(name, "");
    meta.set_engine(&host, skip_verify);
    Ok((meta, material))
}

/// What `--docker` describes: address, whether certificates go unchecked, material.
pub(super) fn engine(
    invocation: &Invocation,
    store: &Store,
    parsed: &Parsed,
) -> Result<(String, bool, Material), Failure> {
    let pairs = string_map::collect(parsed.list("docker"));
    let wrong = |text: String| Failure::new(format!("unable to create docker endpoint config: {text}"));
    match settings(&pairs).map_err(|error| wrong(error.to_string()))? {
        Settings::New {
            host,
            skip_verify,
            material,
        } => Ok((host, skip_verify, material)),
        Settings::From(other) => {
            let (meta, material) = copy(invocation, store, &other).map_err(|failure| wrong(failure.text))?;
            let (host, skip_verify) = meta
                .engine()
                .ok_or_else(|| wrong(format!("unable to get endpoint from context {other:?}")))?;
            Ok((host.to_owned(), skip_verify, material))
        }
    }
}

/// Another context with its material; `default` is what flags and variables say.
pub(super) fn copy(invocation: &Invocation, store: &Store, name: &str) -> Result<(Meta, Material), Failure> {
    if name != DEFAULT {
        return Ok((store.load(name)?, store.material(name)?));
    }
    let mut globals = invocation.globals.clone();
    globals.context = Some(DEFAULT.to_owned()).filter(|_| globals.host.is_none());
    let address = default_context_address(&globals);
    let endpoint = choose(&globals).map_err(|error| ContextError::Current(error.to_string()))?;
    Ok(of_default(&address, Some(endpoint)))
}
