//! Command-line flags by Docker's rules (those of Go's pflag), as static tables.
//!
//! Kept instead of a general parser because the rules are a contract: options end at the image name
//! in some commands, `-itd`, `-p80:80`, `--opt=val`, `--rm=false`, and the exact texts of the errors.
//! A table costs nothing at start: only the command that runs is looked at.

mod help;
mod kind;
mod parse;

pub(crate) use help::{Page, print_flags};
pub(crate) use kind::{Kind, parse_bool};
pub(crate) use parse::{FlagError, Parsed, Rules, parse};

/// One flag of a command.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Long name without dashes.
    pub(crate) name: &'static str,
    /// One letter, if there is a short form.
    pub(crate) short: Option<char>,
    /// What it takes.
    pub(crate) kind: Kind,
    /// What it means, for `--help`.
    pub(crate) about: &'static str,
    /// The default as `--help` shows it; empty if it goes without saying.
    pub(crate) default: &'static str,
    /// Kept for old scripts: accepted, not shown.
    pub(crate) hidden: bool,
}

impl Flag {
    /// A flag with a long name only.
    pub(crate) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind,
            about,
            default: "",
            hidden: false,
        }
    }

    /// The same with a one-letter form.
    pub(crate) const fn short(self, letter: char) -> Self {
        Self {
            short: Some(letter),
            ..self
        }
    }

    /// The same with a default to show.
    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { default: text, ..self }
    }

    /// The same, not shown.
    pub(crate) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }
}
