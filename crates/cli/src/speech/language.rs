//! Which language: `CORTEN_LANG`, else the locale's; called `docker`, English unless `CORTEN_LANG` says so.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};

/// A language there are texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

static FRENCH: AtomicBool = AtomicBool::new(false);

/// Chooses by the environment and by the name the program was called by.
pub(crate) fn choose(program: &str) {
    set(decide(program, |variable| env::var(variable).ok()));
}

/// Speaks this language from now on.
pub(crate) fn set(language: Language) {
    FRENCH.store(language == Language::French, Ordering::Relaxed);
}

/// The language spoken.
pub(crate) fn current() -> Language {
    match FRENCH.load(Ordering::Relaxed) {
        true => Language::French,
        false => Language::English,
    }
}

/// The first variable that is set and not empty decides, in the order of locale(7).
fn decide(program: &str, variable: impl Fn(&str) -> Option<String>) -> Language {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = match set(&"CORTEN_LANG") {
        Some(wanted) => Some(wanted),
        None if program == "docker" => None,
        None => ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set),
    };
    let locale = locale.unwrap_or_default().to_lowercase();
    let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
    match language {
        "fr" | "french" | "français" => Language::French,
        _ => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_locale() {
        for (program, variables, french) in [
            ("corten", &[("LANG", "fr_FR.UTF-8")][..], true),
            ("corten", &[("LANG", "fr_FR.UTF-8"), ("LC_ALL", "C")], false),
            ("corten", &[("LANG", "en_US"), ("LC_MESSAGES", "fr")], true),
            ("corten", &[("LC_ALL", ""), ("LANG", "fr_CA")], true),
            ("corten", &[("LANG", "frr_DE")], false),
            ("corten", &[("LANG", "fr_FR"), ("CORTEN_LANG", "en")], false),
            ("docker", &[("LANG", "fr_FR.UTF-8")], false),
            ("docker", &[("CORTEN_LANG", "fr")], true),
            ("corten", &[], false),
        ] {
            let lookup = |name: &str| {
                variables
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                decide(program, lookup) == Language::French,
                french,
                "{program} {variables:?}"
            );
        }
    }
}
