//! From the arguments to the command: global options, groups and shortcuts, plugins, help pages.

mod complaint;
mod page;

use complaint::{meant, unknown, wrong_flag};
pub(crate) use page::{commands, is_own};
use page::{group_page, overview};

use crate::commands::GROUPS;
use crate::complete::complete;
use crate::config::{GLOBAL, Globals};
use crate::failure::{ENGINE_FAILED, Failure};
use crate::flag::{self, Parsed, Rules};
use crate::output;
use crate::plugin::{self, Plugin};
use crate::release;
use crate::verb::{Group, Invocation, Verb};

/// The rules for what stands before the command.
const BEFORE: Rules = Rules {
    tables: &[GLOBAL],
    interspersed: false,
};

/// The name to show: `docker` if called so, else `corten`.
pub(crate) fn program_name(argument: Option<&str>) -> &'static str {
    match argument.map(|path| path.rsplit('/').next().unwrap_or(path)) {
        Some("docker") => "docker",
        Some(_) | None => "corten",
    }
}

/// Runs what the arguments say.
pub(crate) fn run(program: &str, arguments: Vec<String>) -> Result<(), Failure> {
    let parsed = flag::parse(BEFORE, arguments.iter().cloned()).map_err(|error| {
        let usage = format!("{program} [OPTIONS] COMMAND [ARG...]");
        meant(wrong_words(program, &error.to_string(), &usage), &error, GLOBAL.iter())
    })?;
    if parsed.on("version") {
        return output::line(&version(program));
    }
    let called = Caller {
        program,
        globals: Globals::new(&parsed)?,
        arguments: &arguments,
    };
    match parsed.arguments.split_first() {
        None if parsed.help => called.overview(parsed.help_by_letter),
        // Nothing was asked for: the page is no answer.
        None => output::advise(&overview(program, &plugins(&called.globals))),
        Some(_) if parsed.help => called.overview(parsed.help_by_letter),
        Some((first, rest)) if first == "help" => called.help(rest),
        Some((first, rest)) => called.command(first, rest),
    }
}

/// The program's version; under Docker's name in Docker's words, because scripts read them.
fn version(program: &str) -> String {
    let (version, build) = (release::version(program), release::COMMIT);
    let name = if program == "docker" { "Docker" } else { "Corten" };
    format!("{name} version {version}, build {build}")
}

/// How the program was called.
struct Caller<'a> {
    program: &'a str,
    globals: Globals,
    /// All words behind the program's name.
    arguments: &'a [String],
}

impl Caller<'_> {
    fn overview(&self, by_letter: bool) -> Result<(), Failure> {
        warn_of_letter(self.program, by_letter);
        output::print(&overview(self.program, &plugins(&self.globals)))
    }

    fn command(self, first: &str, rest: &[String]) -> Result<(), Failure> {
        if let "__complete" | "__completeNoDesc" = first {
            return complete(self.program, rest, first == "__complete");
        }
        if let Some(failure) = self.builder(first, rest) {
            return Err(failure);
        }
        if let Some((group, verb)) = shortcut(first) {
            let path = first.to_owned();
            return call(self, Called { group, verb, path }, rest);
        }
        if let Some(group) = group(first) {
            return self.group(group, rest);
        }
        if let Some(plugin) = plugin::by_name(&self.globals, first) {
            return Err(plugin::run(&plugin, &self.globals, self.arguments));
        }
        match rest.iter().any(|word| word == "--help") {
            true => self.overview(false),
            false => Err(unknown(self.program, &self.globals, "", first)),
        }
    }

    /// The configuration may give `build` and `builder` to a plugin (`aliases`).
    fn builder(&self, first: &str, rest: &[String]) -> Option<Failure> {
        if !["build", "builder"].contains(&first) {
            return None;
        }
        let alias = self.globals.file().aliases.get("builder")?;
        let plugin = plugin::by_name(&self.globals, alias)?;
        let before = self.arguments.len().checked_sub(rest.len() + 1)?;
        let mut arguments = self.arguments.get(..before)?.to_vec();
        arguments.push(alias.clone());
        arguments.extend((first == "build").then(|| first.to_owned()));
        arguments.extend_from_slice(rest);
        Some(plugin::run(&plugin, &self.globals, &arguments))
    }

    fn group(self, group: &'static Group, words: &[String]) -> Result<(), Failure> {
        let path = format!("{} {}", self.program, group.name);
        let at = words.iter().position(|word| !word.starts_with('-'));
        for word in words.get(..at.unwrap_or(words.len())).unwrap_or_default() {
            match word.as_str() {
                "--help" => {}
                "-h" => warn_of_letter(self.program, true),
                _ => {
                    let known = flag::parse(NO_FLAGS, [word.clone()]);
                    let text = known.map_or_else(|error| error.to_string(), |_| format!("bad flag syntax: {word}"));
                    return Err(wrong_words(&path, &text, &path));
                }
            }
        }
        let found = at.and_then(|at| Some((words.get(at)?, words.get(at + 1..)?, at > 0)));
        let Some((name, rest, help)) = found else {
            let page = group_page(self.program, group);
            return match words.is_empty() {
                true => output::advise(&page),
                false => output::print(&page),
            };
        };
        let verb = group.verbs.iter().find(|verb| verb.names.contains(&name.as_str()));
        match verb {
            Some(verb) if help => call(self, Called::within(group, verb, name), &["--help".to_owned()]),
            Some(verb) => call(self, Called::within(group, verb, name), rest),
            None if help || rest.iter().any(|word| word == "--help") => output::print(&group_page(self.program, group)),
            None => Err(unknown(self.program, &self.globals, group.name, name)),
        }
    }

    /// `help ps`, `help container ls`, `help compose`.
    fn help(self, topic: &[String]) -> Result<(), Failure> {
        let nothing = |name: &str| Failure::new(format!("unknown help topic: {name}"));
        let asked = ["--help".to_owned()];
        match topic {
            [] => self.overview(false),
            [name] if shortcut(name).is_some() => self.command(name, &asked),
            [name] if group(name).is_some() => self.command(name, &asked),
            [name, verb] if group(name).is_some_and(|group| has(group, verb)) => {
                self.command(name, &[verb.clone(), "--help".to_owned()])
            }
            [name, ..] => match plugin::by_name(&self.globals, name) {
                Some(plugin) => Err(plugin::run(&plugin, &self.globals, self.arguments)),
                None => Err(nothing(topic.last().unwrap_or(name))),
            },
        }
    }
}

/// The rules of a group itself, which has no flags.
const NO_FLAGS: Rules = Rules {
    tables: &[],
    interspersed: true,
};

fn wrong_words(path: &str, complaint: &str, usage: &str) -> Failure {
    Failure::new(format!(
        "{complaint}\n\nUsage:  {usage}\n\nRun '{path} --help' for more information"
    ))
    .code(ENGINE_FAILED)
}

/// Docker's client still takes `-h` and says so.
fn warn_of_letter(program: &str, by_letter: bool) {
    if by_letter && program == "docker" {
        crate::speech::tell("Flag shorthand -h has been deprecated, use --help");
    }
}

/// Every plugin; none may have the name of a command of ours.
pub(crate) fn plugins(globals: &Globals) -> Vec<Plugin> {
    plugin::all(globals, is_builtin)
}

/// Whether a command of that name is our own.
fn is_builtin(name: &str) -> bool {
    name == "help" || shortcut(name).is_some() || group(name).is_some()
}

fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| !group.name.is_empty() && group.name == name)
}

fn has(group: &Group, name: &str) -> bool {
    group.verbs.iter().any(|verb| verb.names.contains(&name))
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

impl Called {
    fn within(group: &'static Group, verb: &'static Verb, name: &str) -> Self {
        let path = format!("{} {name}", group.name);
        Self { group, verb, path }
    }
}

fn call(caller: Caller<'_>, called: Called, words: &[String]) -> Result<(), Failure> {
    let Called { group, verb, path } = called;
    let invocation = Invocation {
        program: caller.program.to_owned(),
        path,
        usage: verb.usage,
        globals: caller.globals,
    };
    let parsed: Parsed =
        flag::parse(verb.rules, words.iter().cloned()).map_err(|error| wrong_flag(&invocation, verb, &error))?;
    if parsed.help {
        warn_of_letter(caller.program, parsed.help_by_letter);
        return output::print(&invocation.help(verb, group));
    }
    if let Some(complaint) = verb.arguments.check(parsed.arguments.len()) {
        return Err(invocation.wrong_arguments(verb.arguments, &complaint));
    }
    (verb.run)(&invocation, &parsed)
}
