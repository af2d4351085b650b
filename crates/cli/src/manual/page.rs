//! What stands on each page.

use super::roff::Roff;
use crate::config::GLOBAL;
use crate::flag::Flag;
use crate::speech::say;
use crate::verb::{Group, Verb};

const VARIABLES: [(&str, &str); 13] = [
    ("CORTEN_HOST", "Address of the engine; counts before DOCKER_HOST"),
    (
        "CORTEN_LANG",
        "Language of help and messages: fr or en, instead of the locale's",
    ),
    (
        "DOCKER_API_VERSION",
        "Version of the API to speak, instead of the newest common one",
    ),
    ("DOCKER_CERT_PATH", "Directory of ca.pem, cert.pem and key.pem"),
    ("DOCKER_CLI_HINTS", "false: print no hints"),
    ("DOCKER_CONFIG", "Directory of the client's configuration files"),
    ("DOCKER_CONTEXT", "Name of the context whose engine is used"),
    (
        "DOCKER_CUSTOM_HEADERS",
        "Headers of every request, as name=value separated by commas",
    ),
    (
        "DOCKER_DEFAULT_PLATFORM",
        "Platform of images, unless --platform is given",
    ),
    ("DOCKER_HOST", "Address of the engine"),
    ("DOCKER_TLS_VERIFY", "Use TLS and verify the engine, unless empty"),
    (
        "LC_ALL, LC_MESSAGES, LANG",
        "The locale: messages are in French where it is French",
    ),
    (
        "HTTP_PROXY, HTTPS_PROXY, NO_PROXY",
        "Not handed to containers: see proxies in config.json",
    ),
];

const FILES: [(&str, &str); 4] = [
    ("/run/corten/corten.sock", "Where the engine listens"),
    ("~/.docker/config.json", "The client's configuration"),
    ("~/.docker/contexts", "Contexts with their TLS material"),
    ("~/.docker/cli-plugins", "Plugins, each adding a command"),
];

const CODES: [(&str, &str); 6] = [
    ("0", "Success"),
    ("1", "The command failed"),
    (
        "125",
        "run, create: the engine or an option failed; other commands: an unknown option",
    ),
    ("126", "run: the container's command cannot be executed"),
    ("127", "run: the container's command was not found"),
    ("N", "run, exec, start -a: the exit code of the container's command"),
];

/// The page of the program.
pub(super) fn program(program: &str) -> String {
    let mut page = Roff::new(program, &say("Containers, images and everything around them"));
    page.heading("SYNOPSIS");
    page.bold(&format!("{program} [OPTIONS] COMMAND [ARG...]"));
    page.heading("DESCRIPTION");
    page.text(&say(
        "The command line of Corten, a container platform with Docker's commands, options and API.",
    ));
    page.heading("COMMANDS");
    for (name, about) in crate::dispatch::commands(program) {
        page.item(&format!("{program}-{name}(1)"), &about);
    }
    page.heading("OPTIONS");
    options(&mut page, GLOBAL.iter());
    for (title, items) in [
        ("ENVIRONMENT", &VARIABLES[..]),
        ("FILES", &FILES),
        ("EXIT STATUS", &CODES),
    ] {
        page.heading(title);
        for (term, text) in items {
            page.item(term, &say(text));
        }
    }
    page.finish()
}

/// The page of a noun.
pub(super) fn group(program: &str, group: &Group) -> String {
    let mut page = Roff::new(&format!("{program}-{}", group.name), &say(group.about));
    page.heading("SYNOPSIS");
    page.bold(&format!("{program} {} COMMAND", group.name));
    page.heading("COMMANDS");
    for verb in group.verbs.iter().filter(|verb| !verb.about.is_empty()) {
        if let Some(first) = verb.names.first() {
            page.item(&format!("{program}-{}-{first}(1)", group.name), &say(verb.about));
        }
    }
    see_also(&mut page, program, None);
    page.finish()
}

/// `corten-container-ls`; of a command without a noun `corten-version`.
pub(super) fn name(program: &str, group: &Group, verb: &Verb) -> String {
    match (verb.names.first(), verb.shortcut) {
        (Some(first), _) if !group.name.is_empty() => format!("{program}-{}-{first}", group.name),
        (first, shortcut) => format!("{program}-{}", shortcut.or(first.copied()).unwrap_or_default()),
    }
}

/// The page of a command.
pub(super) fn command(program: &str, group: &Group, verb: &Verb) -> String {
    let mut page = Roff::new(&name(program, group, verb), &say(verb.about));
    let forms = verb.forms(program, group);
    page.heading("SYNOPSIS");
    let first = forms.first().cloned().unwrap_or_default();
    page.bold(format!("{first} {}", verb.usage).trim_end());
    if forms.len() > 1 {
        page.heading("ALIASES");
        page.text(&forms.join(", "));
    }
    let flags: Vec<&Flag> = verb.rules.tables.iter().flat_map(|table| table.iter()).collect();
    if flags.iter().any(|flag| !flag.hidden) {
        page.heading("OPTIONS");
        options(&mut page, flags.into_iter());
    }
    see_also(&mut page, program, Some(group));
    page.finish()
}

fn options<'a>(page: &mut Roff, flags: impl Iterator<Item = &'a Flag>) {
    let mut flags: Vec<&Flag> = flags.filter(|flag| !flag.hidden).collect();
    flags.sort_by_key(|flag| flag.name);
    for flag in flags {
        let mut term = match flag.short {
            Some(letter) => format!("-{letter}, --{}", flag.name),
            None => format!("--{}", flag.name),
        };
        if !flag.kind.word().is_empty() {
            term.push(' ');
            term.push_str(flag.kind.word());
        }
        let mut text = say(flag.about).into_owned();
        if !flag.default.is_empty() {
            let default = flag
                .default
                .replace("{config}", "~/.docker")
                .replace("{certificates}", "~/.docker");
            text.push_str(&format!(" ({} {default})", say("default")));
        }
        page.item(&term, &text);
    }
}

fn see_also(page: &mut Roff, program: &str, group: Option<&Group>) {
    page.heading("SEE ALSO");
    let mut pages = vec![format!("{program}(1)")];
    if let Some(group) = group.filter(|group| !group.name.is_empty()) {
        pages.push(format!("{program}-{}(1)", group.name));
    }
    page.text(&pages.join(", "));
}

/// Everything that stands in the tables of this file, and the heads.
#[cfg(test)]
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    let heads = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "OPTIONS",
        "ALIASES",
        "ENVIRONMENT",
    ];
    let more = ["FILES", "EXIT STATUS", "SEE ALSO", "Corten Manual"];
    let tables = [&VARIABLES[..], &FILES, &CODES]
        .into_iter()
        .flatten()
        .map(|(_, text)| *text);
    tables.chain(heads).chain(more)
}
