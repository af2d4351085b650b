//! The help pages of the program and of its groups, ordered as Docker orders them.

use std::fmt::Write as _;

use crate::commands::GROUPS;
use crate::config::{GLOBAL, certificates, directory};
use crate::flag;
use crate::plugin::Plugin;
use crate::speech::{say, translate};
use crate::verb::{Group, Verb};

/// What most people need, in the order in which they need it.
const COMMON: [&str; 12] = [
    "run", "exec", "ps", "build", "pull", "push", "images", "login", "logout", "search", "version", "info",
];

/// The nouns of a swarm.
const SWARM: [&str; 6] = ["config", "node", "secret", "service", "stack", "swarm"];

/// Narrowest column of names.
const NAME_WIDTH: usize = 11;

/// A name and one sentence.
type Entry = (String, String);

/// All groups, commands and global options.
pub(super) fn overview(program: &str, plugins: &[Plugin]) -> String {
    let verbs = shortcuts(program);
    let is_common = |(name, _): &Entry| COMMON.contains(&name.as_str());
    let mut common: Vec<Entry> = verbs.iter().filter(|entry| is_common(entry)).cloned().collect();
    common.sort_by_key(|(name, _)| COMMON.iter().position(|known| known == name));
    let (sound, broken): (Vec<&Plugin>, Vec<&Plugin>) = plugins.iter().partition(|plugin| plugin.error.is_none());
    let (swarm, mut nouns): (Vec<Entry>, Vec<Entry>) = groups()
        .into_iter()
        .partition(|(name, _)| SWARM.contains(&name.as_str()));
    nouns.extend(
        sound
            .iter()
            .map(|plugin| (format!("{}*", plugin.name), plugin.metadata.short_description.clone())),
    );
    nouns.sort();
    let rest = match hides_shortcuts() {
        true => Vec::new(),
        false => verbs.iter().filter(|entry| !is_common(entry)).cloned().collect(),
    };
    let broken = broken
        .iter()
        .map(|plugin| (plugin.name.clone(), plugin.error.clone().unwrap_or_default()))
        .collect();
    let mut page = format!(
        "{}  {program} [OPTIONS] COMMAND\n\n{}\n",
        say("Usage:"),
        say("Containers, images and everything around them")
    );
    let sections: [(&str, Vec<Entry>); 5] = [
        ("Common Commands:", common),
        ("Management Commands:", nouns),
        ("Swarm Commands:", swarm),
        ("Commands:", rest),
        ("Invalid Plugins:", broken),
    ];
    let entries = sections.iter().flat_map(|(_, entries)| entries);
    let width = column_width(entries.filter(|(name, _)| !name.ends_with('*')));
    for (head, entries) in &sections {
        section(&mut page, head, entries, width);
    }
    writeln!(page, "\n{}", say("Global Options:")).expect("a string takes everything");
    page.push_str(&places(&flag::print_flags(GLOBAL.iter().collect())));
    let more = format!("Run '{program} COMMAND --help' for more information on a command.");
    writeln!(page, "\n{}", translate(&more)).expect("a string takes everything");
    page
}

/// Whether the user wants to see no more than the common commands and the nouns.
fn hides_shortcuts() -> bool {
    std::env::var_os("DOCKER_HIDE_LEGACY_COMMANDS").is_some_and(|value| !value.is_empty())
}

/// The commands of one group.
pub(super) fn group_page(program: &str, group: &Group) -> String {
    let path = format!("{program} {}", group.name);
    let mut page = format!("{}  {path} COMMAND\n\n{}\n", say("Usage:"), say(group.about));
    let mut verbs: Vec<Entry> = group
        .verbs
        .iter()
        .filter(|verb| !verb.about.is_empty() && !is_own(program, group, verb))
        .filter_map(|verb| Some(((*verb.names.first()?).to_owned(), say(verb.about).into_owned())))
        .collect();
    verbs.sort();
    let width = column_width(verbs.iter());
    section(&mut page, "Commands:", &verbs, width);
    let more = format!("Run '{path} COMMAND --help' for more information on a command.");
    writeln!(page, "\n{}", translate(&more)).expect("a string takes everything");
    page
}

fn section(page: &mut String, head: &str, entries: &[Entry], width: usize) {
    if entries.is_empty() {
        return;
    }
    writeln!(page, "\n{}", say(head)).expect("a string takes everything");
    for (name, about) in entries {
        writeln!(page, "  {name:width$} {about}").expect("a string takes everything");
    }
}

fn column_width<'a>(entries: impl Iterator<Item = &'a Entry>) -> usize {
    entries.map(|(name, _)| name.len()).max().unwrap_or(0).max(NAME_WIDTH)
}

/// Every command of the first level, by name.
pub(crate) fn commands(program: &str) -> Vec<Entry> {
    let mut all = shortcuts(program);
    all.extend(groups());
    all.sort();
    all
}

/// What Docker does not show under its name, and what only `make install` needs.
fn is_hidden(program: &str, name: Option<&str>) -> bool {
    name == Some("man") || (name == Some("completion") && program == "docker")
}

/// Commands of groups that Docker does not have. Called by its name, the program runs them and does not show them.
const OWN: [(&str, &[&str]); 1] = [("volume", &["clone", "cp", "export", "import"])];

/// Whether Docker has no such command, whose name the program was called by.
pub(crate) fn is_own(program: &str, group: &Group, verb: &Verb) -> bool {
    let listed = |(name, verbs): &(&str, &[&str])| *name == group.name && verbs.contains(&verb.names[0]);
    program == "docker" && OWN.iter().any(listed)
}

/// Commands that need no noun and are not hidden, by name.
fn shortcuts(program: &str) -> Vec<Entry> {
    let mut verbs: Vec<Entry> = GROUPS
        .iter()
        .flat_map(|group| group.verbs.iter())
        .filter(|verb| !verb.about.is_empty())
        .filter(|verb| !is_hidden(program, verb.shortcut))
        .filter_map(|verb| Some((verb.shortcut?.to_owned(), say(verb.about).into_owned())))
        .collect();
    verbs.sort();
    verbs
}

fn groups() -> Vec<Entry> {
    let named = GROUPS.iter().filter(|group| !group.name.is_empty());
    named
        .map(|group| (group.name.to_owned(), say(group.about).into_owned()))
        .collect()
}

/// Fills in the directories that the defaults of the global options speak of.
fn places(text: &str) -> String {
    text.replace("{config}", &directory(None).display().to_string())
        .replace("{certificates}", &certificates().display().to_string())
}
