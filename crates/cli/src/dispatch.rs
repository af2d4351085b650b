//! From the arguments to the command: global options, groups and shortcuts, help pages.

use crate::commands::GROUPS;
use crate::config::Endpoint;
use crate::failure::Failure;
use crate::flag::{self, Flag, FlagError, Kind, Parsed, Rules};
use crate::output;
use crate::text::resembles;
use crate::verb::{Group, Invocation, Verb};

const GLOBAL: &[Flag] = &[
    Flag::new("config", Kind::Text, "Directory of the client's configuration"),
    Flag::new(
        "context",
        Kind::Text,
        "Context whose engine is used, instead of CORTEN_HOST, DOCKER_HOST and the chosen one",
    )
    .short('c'),
    Flag::new("debug", Kind::Bool, "Say more").short('D'),
    Flag::new("host", Kind::List, "Engine to connect to").short('H'),
    Flag::new("log-level", Kind::Text, "How much is logged")
        .short('l')
        .default("\"info\""),
    Flag::new("tls", Kind::Bool, "Use TLS"),
    Flag::new("tlscacert", Kind::Text, "Authority whose certificates are trusted"),
    Flag::new("tlscert", Kind::Text, "Own certificate"),
    Flag::new("tlskey", Kind::Text, "Own key"),
    Flag::new("tlsverify", Kind::Bool, "Use TLS and check the engine's certificate"),
    Flag::new("version", Kind::Bool, "Print the version").short('v'),
];

/// The name to show: `docker` if called so, else `corten`.
pub(crate) fn program_name(argument: Option<&str>) -> &'static str {
    match argument.map(|path| path.rsplit('/').next().unwrap_or(path)) {
        Some("docker") => "docker",
        Some(_) | None => "corten",
    }
}

/// Runs what the arguments say.
pub(crate) fn run(program: &str, arguments: Vec<String>) -> Result<(), Failure> {
    let parsed = flag::parse(
        Rules {
            tables: &[GLOBAL],
            interspersed: false,
        },
        arguments,
    )
    .map_err(|error| {
        let usage =
            format!("\n\nUsage:  {program} [OPTIONS] COMMAND [ARG...]\n\nRun '{program} --help' for more information");
        Failure::new(format!("{error}{usage}")).code(crate::failure::ENGINE_FAILED)
    })?;
    if parsed.on("version") {
        return output::line(&version(program));
    }
    if parsed.help || parsed.arguments.is_empty() {
        return output::print(&overview(program));
    }
    check_globals(&parsed)?;
    let endpoint = Endpoint {
        host: parsed.text("host").map(str::to_owned),
        context: parsed.text("context").map(str::to_owned),
        config: parsed.text("config").map(str::to_owned),
    };
    let mut words = parsed.arguments.into_iter();
    let first = words.next().unwrap_or_default();
    if first == "help" {
        let rest: Vec<String> = words.chain(["--help".to_owned()]).collect();
        return run(program, rest);
    }
    if let Some((group, verb)) = shortcut(&first) {
        return call(program, group, verb, first, endpoint, words.collect());
    }
    match GROUPS
        .iter()
        .find(|group| !group.name.is_empty() && group.name == first)
    {
        Some(group) => run_group(program, group, endpoint, words.collect()),
        None => Err(unknown(program, "", &first)),
    }
}

/// The program's version; under Docker's name in Docker's words, because scripts read them.
fn version(program: &str) -> String {
    let ours = env!("CARGO_PKG_VERSION");
    let build = option_env!("CORTEN_COMMIT").unwrap_or("unknown");
    match program {
        "docker" => format!("Docker version 28.5.2+corten.{ours}, build {build}"),
        _ => format!("Corten version {ours}, build {build}"),
    }
}

fn check_globals(parsed: &Parsed) -> Result<(), Failure> {
    for flag in ["tls", "tlsverify", "tlscacert", "tlscert", "tlskey"] {
        if parsed.is_set(flag) && parsed.text(flag) != Some("false") {
            return Err(Failure::new(format!("--{flag} is not supported yet")));
        }
    }
    if parsed.list("host").count() > 1 {
        let reason = "unable to resolve docker endpoint: Specify only one -H";
        return Err(Failure::new(format!("Failed to initialize: {reason}")));
    }
    let level = parsed.text("log-level").unwrap_or("info");
    if !["trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"].contains(&level) {
        return Err(Failure::new(format!("Unable to parse logging level: {level}")));
    }
    Ok(())
}

fn run_group(program: &str, group: &'static Group, endpoint: Endpoint, mut words: Vec<String>) -> Result<(), Failure> {
    let Some(name) = words.first().cloned().filter(|word| word != "--help" && word != "-h") else {
        return output::print(&group_page(program, group));
    };
    if name.starts_with('-') {
        let path = format!("{program} {}", group.name);
        return Err(Failure::new(format!(
            "unknown flag: {name}\n\nUsage:  {path} COMMAND\n\nRun '{path} --help' for more information"
        ))
        .code(crate::failure::ENGINE_FAILED));
    }
    let verb = group.verbs.iter().find(|verb| verb.names.contains(&name.as_str()));
    let verb = verb.ok_or_else(|| unknown(program, group.name, &name))?;
    words.remove(0);
    call(program, group, verb, format!("{} {name}", group.name), endpoint, words)
}

fn shortcut(name: &str) -> Option<(&'static Group, &'static Verb)> {
    GROUPS.iter().find_map(|group| {
        let verb = group.verbs.iter().find(|verb| verb.shortcut == Some(name))?;
        Some((group, *verb))
    })
}

fn call(
    program: &str,
    group: &'static Group,
    verb: &'static Verb,
    path: String,
    endpoint: Endpoint,
    words: Vec<String>,
) -> Result<(), Failure> {
    let invocation = Invocation {
        program: program.to_owned(),
        path,
        usage: verb.usage,
        endpoint,
    };
    let parsed = flag::parse(verb.rules, words).map_err(|error| wrong_flag(&invocation, verb, &error))?;
    if parsed.help {
        return output::print(&invocation.help(verb, group));
    }
    if let Some(complaint) = verb.arguments.check(parsed.arguments.len()) {
        return Err(invocation.wrong_arguments(verb.arguments, &complaint));
    }
    (verb.run)(&invocation, &parsed)
}

/// Docker's commands that are still to come.
const TO_COME: [&str; 31] = [
    "build",
    "builder",
    "buildx",
    "checkpoint",
    "commit",
    "compose",
    "config",
    "context",
    "cp",
    "diff",
    "export",
    "login",
    "logout",
    "manifest",
    "network",
    "node",
    "plugin",
    "prune",
    "push",
    "search",
    "secret",
    "service",
    "stack",
    "stats",
    "swarm",
    "top",
    "trust",
    "update",
    "volume",
    "df",
    "dial-stdio",
];

/// The complaint about a flag, and the flag that was meant.
fn wrong_flag(invocation: &Invocation, verb: &Verb, error: &FlagError) -> Failure {
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
    match resembles::closest(name, known.map(|flag| flag.name)) {
        Some(close) => failure.hint(format!("did you mean `--{close}`?")),
        None => failure,
    }
}

fn unknown(program: &str, group: &str, name: &str) -> Failure {
    if TO_COME.contains(&name) {
        let path = format!("{program} {group}");
        return Failure::new(format!(
            "{program}: the command '{} {name}' is not supported yet",
            path.trim_end()
        ));
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
                if group.is_empty() {
                    verb.shortcut
                } else {
                    verb.names.first().copied()
                }
            });
            names.chain((group.is_empty() && !candidate.name.is_empty()).then_some(candidate.name))
        });
    let failure = Failure::new(text);
    match resembles::closest(name, known) {
        Some(close) => failure.hint(format!("did you mean `{path} {close}`?")),
        None => failure,
    }
}

fn overview(program: &str) -> String {
    let mut page = format!(
        "Usage:  {program} [OPTIONS] COMMAND\n\nContainers, images and everything around them\n\nManagement Commands:\n"
    );
    for group in GROUPS.iter().filter(|group| !group.name.is_empty()) {
        page.push_str(&format!("  {:11} {}\n", group.name, group.about));
    }
    page.push_str("\nCommands:\n");
    let mut verbs: Vec<_> = GROUPS
        .iter()
        .flat_map(|group| group.verbs.iter())
        .filter_map(|verb| Some((verb.shortcut?, verb.about)))
        .collect();
    verbs.sort_unstable();
    for (name, about) in verbs {
        page.push_str(&format!("  {name:11} {about}\n"));
    }
    page.push_str("\nGlobal Options:\n");
    page.push_str(&flag::print_flags(GLOBAL.iter().collect()));
    page.push_str(&format!(
        "\nRun '{program} COMMAND --help' for more information on a command.\n"
    ));
    page
}

fn group_page(program: &str, group: &Group) -> String {
    let path = format!("{program} {}", group.name);
    let mut page = format!("Usage:  {path} COMMAND\n\n{}\n\nCommands:\n", group.about);
    let mut verbs: Vec<_> = group
        .verbs
        .iter()
        .filter_map(|verb| Some((*verb.names.first()?, verb.about)))
        .collect();
    verbs.sort_unstable();
    for (name, about) in verbs {
        page.push_str(&format!("  {name:11} {about}\n"));
    }
    page.push_str(&format!(
        "\nRun '{path} COMMAND --help' for more information on a command.\n"
    ));
    page
}
