//! Completion: what may stand where the cursor is. The shells' scripts call the hidden command
//! `__complete WORD.. CURRENT` and read one candidate per line, a tab and its description behind it, then a
//! line `:N` whose bits say how to go on. That is cobra's protocol, so Docker's own scripts work too.

mod live;
mod place;
mod script;
mod value;

use crate::config::{GLOBAL, Globals};
use crate::failure::Failure;
use crate::flag::{self, Flag, Rules};
use crate::output;
use crate::plugin;
use crate::speech::say;
use crate::verb::Verb;

use place::{Place, place};
pub(crate) use script::{SHELLS, script};

/// The shell adds no blank behind the word.
const NO_SPACE: u8 = 2;
/// Files are no candidates.
const NO_FILES: u8 = 4;
/// Directories only.
const DIRECTORIES: u8 = 16;

/// Words that may stand at the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
struct Candidates {
    /// Each with its description.
    words: Vec<(String, String)>,
    directive: u8,
}

impl Candidates {
    /// Words without description; files are none.
    fn plain(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::described(words.into_iter().map(|word| (word.into(), String::new())))
    }

    /// Words with descriptions; files are none.
    fn described(words: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            words: words.into_iter().collect(),
            directive: NO_FILES,
        }
    }

    /// The shell's own completion of files.
    fn files() -> Self {
        Self::default()
    }

    fn directories() -> Self {
        Self {
            words: Vec::new(),
            directive: DIRECTORIES,
        }
    }

    fn without_space(mut self) -> Self {
        self.directive |= NO_SPACE;
        self
    }
}

/// Prints what may stand for the last of `words`. `described`: with descriptions.
pub(crate) fn complete(program: &str, words: &[String], described: bool) -> Result<(), Failure> {
    let (current, before) = match words.split_last() {
        Some((current, before)) => (current.as_str(), before),
        None => ("", words),
    };
    let globals = globals(before);
    let candidates = match place(before, current) {
        Place::Commands => commands(program, &globals),
        Place::Verbs(group) => Candidates::described(
            group
                .verbs
                .iter()
                .filter(|verb| !verb.about.is_empty() && !crate::dispatch::is_own(program, group, verb))
                .filter_map(|verb| Some(((*verb.names.first()?).to_owned(), say(verb.about).into_owned()))),
        ),
        Place::GlobalFlags => flags(GLOBAL, current),
        Place::Flags(verb) => flags(verb.rules.tables.iter().copied().flatten(), current),
        Place::Value { verb, flag } => value::of_flag(program, &globals, verb, flag, typed(current)),
        Place::Argument { verb, given, forced } => value::of_argument(program, &globals, verb, &given, forced, current),
        Place::Plugin(name) => {
            if let Some(plugin) = plugin::by_name(&globals, &name) {
                let call = if described { "__complete" } else { "__completeNoDesc" };
                let arguments: Vec<String> = [call.to_owned()].into_iter().chain(words.iter().cloned()).collect();
                return Err(plugin::run(&plugin, &globals, &arguments));
            }
            Candidates::files()
        }
    };
    print(&candidates, typed(current), described)
}

/// What of `--flag=value` is completed: the value.
fn typed(current: &str) -> &str {
    match current.split_once('=') {
        Some((name, value)) if name.starts_with("--") => value,
        Some(_) | None => current,
    }
}

fn print(candidates: &Candidates, prefix: &str, described: bool) -> Result<(), Failure> {
    let mut text = String::new();
    for (word, about) in candidates.words.iter().filter(|(word, _)| word.starts_with(prefix)) {
        text.push_str(word);
        let about = about.lines().next().unwrap_or_default();
        if described && !about.is_empty() {
            text.push('\t');
            text.push_str(about);
        }
        text.push('\n');
    }
    output::print(&format!("{text}:{}\n", candidates.directive))
}

/// The global options that were typed; what is wrong with them is not the cursor's matter.
fn globals(before: &[String]) -> Globals {
    let rules = Rules {
        tables: &[GLOBAL],
        interspersed: false,
    };
    flag::parse(rules, before.iter().cloned())
        .ok()
        .and_then(|parsed| Globals::new(&parsed).ok())
        .unwrap_or_default()
}

fn commands(program: &str, globals: &Globals) -> Candidates {
    let plugins = crate::dispatch::plugins(globals).into_iter();
    let plugins = plugins
        .filter(|plugin| plugin.error.is_none())
        .map(|plugin| (plugin.name, plugin.metadata.short_description));
    let own = crate::dispatch::commands(program).into_iter();
    Candidates::described(own.chain(plugins))
}

fn flags(known: impl IntoIterator<Item = &'static Flag>, current: &str) -> Candidates {
    let short = !current.starts_with("--");
    let mut words = Vec::new();
    for flag in known.into_iter().filter(|flag| !flag.hidden) {
        let about = say(flag.about).into_owned();
        words.push((format!("--{}", flag.name), about.clone()));
        if let (Some(letter), true) = (flag.short, short) {
            words.push((format!("-{letter}"), about));
        }
    }
    if !words.iter().any(|(word, _)| word == "--help") {
        words.push(("--help".to_owned(), say("Print usage").into_owned()));
    }
    Candidates::described(words)
}

/// The name a verb's rows are found by in the tables of [`value`].
fn name_of(verb: &Verb) -> &'static str {
    verb.names.first().copied().or(verb.shortcut).unwrap_or_default()
}
