//! From the arguments to the command: global options, groups and shortcuts, help pages.

mod complaint;
mod page;

use complaint::{unknown, wrong_flag};
use page::{group_page, overview};

use crate::commands::GROUPS;
use crate::config::Endpoint;
use crate::failure::Failure;
use crate::flag::{self, Flag, Kind, Parsed, Rules};
use crate::output;
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
        return call(
            program,
            Called {
                group,
                verb,
                path: first,
            },
            endpoint,
            words.collect(),
        );
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
    let path = format!("{} {name}", group.name);
    call(program, Called { group, verb, path }, endpoint, words)
}

fn shortcut(name: &str) -> Option<(&'static Group, &'static Verb)> {
    GROUPS.iter().find_map(|group| {
        let verb = group.verbs.iter().find(|verb| verb.shortcut == Some(name))?;
        Some((group, *verb))
    })
}

/// A command as it was found, and the words it was found by.
struct Called {
    group: &'static Group,
    verb: &'static Verb,
    path: String,
}

fn call(program: &str, called: Called, endpoint: Endpoint, words: Vec<String>) -> Result<(), Failure> {
    let Called { group, verb, path } = called;
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
