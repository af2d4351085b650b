//! `context inspect`: what is kept of contexts, and where.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::create::copy;
use super::store;
use crate::commands::system::inspect::{Found, show};
use crate::config::context_name;
use crate::context::{DEFAULT, Store, go_json};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[Flag::new("format", Kind::Text, "Print by a template, or as json").short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["inspect"],
    shortcut: None,
    usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
    about: "Display detailed information on one or more contexts",
    arguments: Arguments::AtLeast(0),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: inspect,
};

/// The object as Docker shows it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    name: &'a str,
    metadata: &'a BTreeMap<String, Value>,
    endpoints: &'a BTreeMap<String, Value>,
    #[serde(rename = "TLSMaterial")]
    tls_material: BTreeMap<&'a str, Vec<&'a str>>,
    storage: Storage,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Storage {
    metadata_path: String,
    #[serde(rename = "TLSPath")]
    tls_path: String,
}

fn inspect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let store = store(invocation);
    let current = [context_name(&invocation.globals)];
    let names = match parsed.arguments.is_empty() {
        true => &current[..],
        false => &parsed.arguments,
    };
    let mut found = Found::default();
    for name in names {
        match object(invocation, &store, name) {
            Ok(text) => found.add(Ok(text.into()))?,
            Err(failure) => found.miss(failure.text),
        }
    }
    show(parsed.text("format"), found)
}

fn object(invocation: &Invocation, store: &Store, name: &str) -> Result<String, Failure> {
    let (meta, material) = copy(invocation, store, name)?;
    let storage = match name {
        DEFAULT => Storage {
            metadata_path: "<IN MEMORY>".to_owned(),
            tls_path: "<IN MEMORY>".to_owned(),
        },
        _ => Storage {
            metadata_path: store.meta_path(name).display().to_string(),
            tls_path: store.tls_path(name).display().to_string(),
        },
    };
    Ok(go_json(&Shown {
        name: &meta.name,
        metadata: &meta.metadata,
        endpoints: &meta.endpoints,
        tls_material: material.names(),
        storage,
    }))
}
