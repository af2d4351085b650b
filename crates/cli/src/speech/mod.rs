//! The language this program speaks to its user: English, or French by locale.
//!
//! Texts stand in English where they are used; the catalogue gives the French of each, with the same
//! placeholders. Help pages look texts up whole ([`say`]); what is printed as an error, a warning or a hint
//! is translated at the one place where it leaves the program ([`translate`]), the engine's messages there too
//! ([`engine`]). Not translated, because scripts read them: heads of tables, JSON, names and numbers.

mod catalogue;
mod engine;
mod language;
mod pattern;

use std::borrow::Cow;
use std::sync::OnceLock;

use catalogue::Catalogue;
pub(crate) use language::{Language, choose, current, set};

/// The French texts.
const FRENCH: [&str; 2] = [include_str!("fr/help.po"), include_str!("fr/messages.po")];

/// Beginnings of lines that are the engine's.
const ENGINES: [&str; 2] = ["Error response from daemon:", "Error: No such"];

/// The French of the engine's messages.
const FRENCH_OF_ENGINE: &str = include_str!("fr/engine.po");

fn engines() -> &'static Catalogue {
    static READ: OnceLock<Catalogue> = OnceLock::new();
    READ.get_or_init(|| Catalogue::new(&[FRENCH_OF_ENGINE]))
}

fn catalogue() -> &'static Catalogue {
    static READ: OnceLock<Catalogue> = OnceLock::new();
    READ.get_or_init(|| Catalogue::new(&FRENCH))
}

/// One fixed text in the user's language.
pub(crate) fn say(text: &str) -> Cow<'_, str> {
    match current() {
        Language::English => Cow::Borrowed(text),
        Language::French => match catalogue().exact(text) {
            Some(french) => Cow::Borrowed(french),
            None => Cow::Borrowed(text),
        },
    }
}

/// A message in the user's language, line by line; what the catalogue does not know stays as it is.
pub(crate) fn translate(text: &str) -> Cow<'_, str> {
    match current() {
        Language::English => Cow::Borrowed(text),
        Language::French => Cow::Owned(french(text)),
    }
}

/// Says a warning or a notice on standard error.
pub(crate) fn tell(text: &str) {
    eprintln!("{}", translate(text));
}

fn french(text: &str) -> String {
    if let Some(whole) = catalogue().exact(text) {
        return whole.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(french_line).collect();
    lines.join("\n")
}

fn french_line(line: &str) -> String {
    // The client's own warnings begin so too.
    if line.starts_with("WARNING: ")
        && let Some(french) = engine::french(engines(), line)
    {
        return french;
    }
    if ENGINES.iter().any(|begin| line.starts_with(begin)) {
        return engine::french(engines(), line).unwrap_or_else(|| line.to_owned());
    }
    for program in ["corten: ", "docker: "] {
        if let Some(rest) = line.strip_prefix(program) {
            return format!("{program}{}", french_line(rest));
        }
    }
    match catalogue().exact(line) {
        Some(french) => french.to_owned(),
        None => catalogue().fill(line, french_line).unwrap_or_else(|| line.to_owned()),
    }
}

#[cfg(test)]
mod tests;
