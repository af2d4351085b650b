//! What is said about commands and flags that do not exist, and what was probably meant.

use crate::commands::GROUPS;
use crate::config::{GLOBAL, Globals};
use crate::failure::Failure;
use crate::flag::{Flag, FlagError};
use crate::plugin;
use crate::text::resembles;
use crate::verb::{Invocation, Verb};

/// Docker's commands that are still to come.
const TO_COME: [&str; 13] = [
    "build",
    "buildx",
    "checkpoint",
    "compose",
    "config",
    "manifest",
    "node",
    "plugin",
    "secret",
    "service",
    "stack",
    "swarm",
    "trust",
];

/// The complaint about a flag, and the flag that was meant.
pub(super) fn wrong_flag(invocation: &Invocation, verb: &Verb, error: &FlagError) -> Failure {
    let failure = invocation.wrong_flag(&error.to_string());
    let FlagError::Unknown { name } = error else {
        return failure;
    };
    let known = verb
        .rules
        .tables
        .iter()
        .flat_map(|table| table.iter())
        .filter(|flag| !flag.hidden);
    if GLOBAL.iter().any(|flag| flag.name == name) {
        let program = &invocation.program;
        return failure.hint(format!(
            "--{name} stands before the command: `{program} --{name} ... {}`",
            invocation.path
        ));
    }
    meant(failure, error, known)
}

/// The same complaint with the flag that was meant.
pub(super) fn meant<'a>(failure: Failure, error: &FlagError, known: impl Iterator<Item = &'a Flag>) -> Failure {
    let FlagError::Unknown { name } = error else {
        return failure;
    };
    match resembles::closest(name, known.map(|flag| flag.name)) {
        Some(close) => failure.hint(format!("did you mean `--{close}`?")),
        None => failure,
    }
}

/// The complaint about a command; one of Docker's that is not built yet is refused by name.
pub(super) fn unknown(program: &str, globals: &Globals, group: &str, name: &str) -> Failure {
    if TO_COME.contains(&name) {
        let path = format!("{program} {group}");
        let failure = Failure::new(format!(
            "{program}: the command '{} {name}' is not supported yet",
            path.trim_end()
        ));
        return match instead(program, name) {
            Some(hint) => failure.hint(hint),
            None => failure,
        };
    }
    let path = format!("{program} {group}");
    let path = path.trim_end();
    let mut text = format!("{program}: unknown command: {path} {name}\n\n");
    if !group.is_empty() {
        text.push_str(&format!("Usage:  {path}\n\n"));
    }
    text.push_str(&format!("Run '{path} --help' for more information"));
    let known = GROUPS
        .iter()
        .filter(|candidate| group.is_empty() || candidate.name == group)
        .flat_map(|candidate| {
            let names = candidate.verbs.iter().filter_map(move |verb| {
                if verb.about.is_empty() {
                    None
                } else if group.is_empty() {
                    verb.shortcut
                } else {
                    verb.names.first().copied()
                }
            });
            names.chain((group.is_empty() && !candidate.name.is_empty()).then_some(candidate.name))
        });
    let failure = Failure::new(text);
    let plugins = match group.is_empty() {
        true => plugin::names(globals),
        false => Vec::new(),
    };
    match resembles::closest(name, known.chain(plugins.iter().map(String::as_str))) {
        Some(close) => failure.hint(format!("did you mean `{path} {close}`?")),
        None => failure,
    }
}

/// How to come by what such a command gives.
fn instead(program: &str, name: &str) -> Option<String> {
    match name {
        "compose" => Some(format!(
            "Docker's plugin does it: with the program docker-compose in ~/.docker/cli-plugins, `{program} compose` runs it"
        )),
        "build" | "buildx" => Some(format!(
            "build the image elsewhere, write it to a file with `docker save`, and read it here with `{program} load -i FILE.tar`"
        )),
        _ => None,
    }
}
