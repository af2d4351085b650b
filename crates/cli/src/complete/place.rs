//! Where the cursor is, from the words before it (pure).

use crate::commands::GROUPS;
use crate::config::GLOBAL;
use crate::flag::{Flag, Kind, Rules};
use crate::verb::{Group, Verb};

/// What is to be completed.
#[derive(Debug)]
pub(super) enum Place {
    /// The command.
    Commands,
    /// The command within a group.
    Verbs(&'static Group),
    /// An option before the command.
    GlobalFlags,
    /// An option of a command.
    Flags(&'static Verb),
    /// The value of an option; of a global one without a verb.
    Value {
        verb: Option<&'static Verb>,
        flag: &'static Flag,
    },
    /// An argument; `given` are those before it.
    Argument {
        verb: &'static Verb,
        given: Vec<String>,
        forced: bool,
    },
    /// Something that a plugin knows, or nobody.
    Plugin(String),
}

/// The place of `current` behind the words `before`.
pub(super) fn place(before: &[String], current: &str) -> Place {
    let rules = Rules {
        tables: &[GLOBAL],
        interspersed: false,
    };
    let walked = walk(rules, before);
    let Some((command, rest)) = walked.arguments.split_first() else {
        return match at_flag(rules, &walked, current) {
            AtFlag::Value(flag) => Place::Value { verb: None, flag },
            AtFlag::Name => Place::GlobalFlags,
            AtFlag::No => Place::Commands,
        };
    };
    let shortcut = GROUPS
        .iter()
        .flat_map(|group| group.verbs.iter())
        .find(|verb| verb.shortcut == Some(command.as_str()));
    if let Some(verb) = shortcut {
        return within(verb, rest, current);
    }
    let Some(group) = GROUPS
        .iter()
        .find(|group| !group.name.is_empty() && group.name == command)
    else {
        return match command.as_str() {
            "help" => Place::Commands,
            _ => Place::Plugin(command.clone()),
        };
    };
    match rest.split_first() {
        None => Place::Verbs(group),
        Some((name, rest)) => match group.verbs.iter().find(|verb| verb.names.contains(&name.as_str())) {
            Some(verb) => within(verb, rest, current),
            None => Place::Plugin(command.clone()),
        },
    }
}

fn within(verb: &'static Verb, before: &[String], current: &str) -> Place {
    let walked = walk(verb.rules, before);
    match at_flag(verb.rules, &walked, current) {
        AtFlag::Value(flag) => Place::Value { verb: Some(verb), flag },
        AtFlag::Name => Place::Flags(verb),
        AtFlag::No => Place::Argument {
            verb,
            given: walked.arguments,
            forced: walked.forced,
        },
    }
}

enum AtFlag {
    Name,
    Value(&'static Flag),
    No,
}

fn at_flag(rules: Rules, walked: &Walked, current: &str) -> AtFlag {
    if let Some(flag) = walked.pending {
        return AtFlag::Value(flag);
    }
    if walked.ended || !current.starts_with('-') {
        return AtFlag::No;
    }
    let named = current.strip_prefix("--").and_then(|rest| rest.split_once('='));
    match named.and_then(|(name, _)| find(rules, |flag| flag.name == name)) {
        Some(flag) => AtFlag::Value(flag),
        None => AtFlag::Name,
    }
}

/// The words before the cursor as a command reads them, with patience for what is unfinished.
#[derive(Default)]
struct Walked {
    arguments: Vec<String>,
    /// The last word is an option that waits for its value.
    pending: Option<&'static Flag>,
    /// No option may follow.
    ended: bool,
    /// `--force` was among them.
    forced: bool,
}

fn walk(rules: Rules, words: &[String]) -> Walked {
    let mut walked = Walked::default();
    for word in words {
        if walked.pending.take().is_some() {
            continue;
        }
        if walked.ended || !word.starts_with('-') || word == "-" {
            walked.arguments.push(word.clone());
            walked.ended |= !rules.interspersed;
        } else if word == "--" {
            walked.ended = true;
        } else if let Some(name) = word.strip_prefix("--") {
            walked.forced |= name == "force";
            let waits = !name.contains('=');
            walked.pending = find(rules, |flag| flag.name == name && takes_value(flag)).filter(|_| waits);
        } else {
            walked.short(rules, &word[1..]);
        }
    }
    walked
}

impl Walked {
    /// `-it`, `-p80:80`, `-e`.
    fn short(&mut self, rules: Rules, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let Some(flag) = find(rules, |flag| flag.short == Some(letter)) else {
                return;
            };
            self.forced |= flag.name == "force";
            if takes_value(flag) {
                let last = letters.len() == at + letter.len_utf8();
                self.pending = Some(flag).filter(|_| last);
                return;
            }
        }
    }
}

fn takes_value(flag: &Flag) -> bool {
    !matches!(flag.kind, Kind::Bool)
}

fn find(rules: Rules, wanted: impl Fn(&Flag) -> bool) -> Option<&'static Flag> {
    let all = rules.tables.iter().flat_map(|table| table.iter());
    all.into_iter().find(|flag| wanted(flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str) -> String {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let current = words.pop().unwrap();
        match place(&words, &current) {
            Place::Commands => "commands".to_owned(),
            Place::Verbs(group) => format!("verbs of {}", group.name),
            Place::GlobalFlags => "global flags".to_owned(),
            Place::Flags(verb) => format!("flags of {:?}", verb.names),
            Place::Value { flag, .. } => format!("value of {}", flag.name),
            Place::Argument { given, forced, .. } => format!("argument {} forced {forced}", given.len()),
            Place::Plugin(name) => format!("plugin {name}"),
        }
    }

    #[test]
    fn finds_the_place() {
        for (line, expected) in [
            ("", "commands"),
            ("ru", "commands"),
            ("-D p", "commands"),
            ("--con", "global flags"),
            ("-c ", "value of context"),
            ("--context=", "value of context"),
            ("help ", "commands"),
            ("container ", "verbs of container"),
            ("container rm -", "flags of [\"rm\", \"remove\"]"),
            ("rm a ", "argument 1 forced false"),
            ("rm -f a -", "flags of [\"rm\", \"remove\"]"),
            ("rm -fv ", "argument 0 forced true"),
            ("run -it --network ", "value of network"),
            ("run --network=", "value of network"),
            ("run -p80:80 ", "argument 0 forced false"),
            ("run -itp ", "value of publish"),
            ("run alpine -", "argument 1 forced false"),
            ("rm -- -", "argument 0 forced false"),
            ("compose up ", "plugin compose"),
        ] {
            assert_eq!(at(line), expected, "{line}");
        }
    }
}
