//! Every text that the program can say has its French, with the same placeholders. The texts are those of the
//! tables, and the literals in the sources where an error, a hint or a notice is made.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::catalogue::parse;
use super::pattern::{Pattern, holes};
use super::{FRENCH, FRENCH_OF_ENGINE, french};
use crate::commands::GROUPS;
use crate::config::GLOBAL;

/// Where a literal that the user reads begins.
const MAKERS: [&str; 14] = [
    "#[error(",
    "Failure::new(",
    "Failure::new(format!(",
    ".hint(",
    ".hint(format!(",
    "Some(format!(",
    "let advice = ",
    "eprintln!(",
    "tell(",
    "tell(&format!(",
    "say(",
    "confirm(",
    "confirm(&format!(",
    "Err(format!(",
];

fn pairs() -> Vec<(String, String)> {
    FRENCH.iter().flat_map(|file| parse(file)).collect()
}

/// Texts that tables show.
fn shown() -> BTreeSet<String> {
    let mut texts: BTreeSet<String> = GLOBAL.iter().map(|flag| flag.about.to_owned()).collect();
    texts.extend(crate::manual::texts().map(str::to_owned));
    for group in GROUPS {
        texts.insert(group.about.to_owned());
        for verb in group.verbs {
            texts.insert(verb.about.to_owned());
            let flags = verb.rules.tables.iter().flat_map(|table| table.iter());
            texts.extend(flags.filter(|flag| !flag.hidden).map(|flag| flag.about.to_owned()));
        }
    }
    texts
}

/// The sources of this crate and those of the client's errors, without their tests.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("../client/src/error.rs"), root.join("../client/src/host.rs")];
    found.extend(
        rust_files(&root.join("src"))
            .into_iter()
            .filter(|path| !path.ends_with("speech/tests.rs")),
    );
    found
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The string literal that `text` begins with, its escapes undone.
fn literal(text: &str) -> Option<String> {
    let mut letters = text.trim_start().strip_prefix('"')?.chars().peekable();
    let mut out = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Some(out),
            '\\' => match letters.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                '\n' => while letters.next_if(|next| next.is_whitespace()).is_some() {},
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
    None
}

fn said() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
        for maker in MAKERS {
            let literals = code
                .match_indices(maker)
                .filter_map(|(at, _)| literal(&code[at + maker.len()..]));
            texts.extend(literals.flat_map(|text| text.split('\n').map(str::to_owned).collect::<Vec<_>>()));
        }
    }
    texts
}

/// Whether there is a word to translate at all. The engine's own texts, and pieces of syntax, have none.
fn speaks(text: &str) -> bool {
    let pattern = Pattern::new(text);
    let words = holes(text).iter().fold(text.to_owned(), |text, hole| {
        text.replace(
            &format!(
                "{{{}}}",
                hole.trim_start_matches(|c: char| c == '#' || c.is_ascii_digit())
            ),
            " ",
        )
    });
    let words = words
        .split(|letter: char| !letter.is_alphabetic())
        .filter(|word| word.len() > 3);
    pattern.weight() > 5
        && words.count() > 0
        && !text.starts_with("Error response from daemon")
        && !text.starts_with("WARNING: {")
        // Put together with the command's name, which the catalogue has whole.
        && !text.starts_with("requires ")
}

#[test]
fn each_text_has_its_french() {
    let known: BTreeSet<String> = pairs().into_iter().map(|(english, _)| english).collect();
    let wanted = shown().into_iter().chain(said());
    let missing: BTreeSet<String> = wanted.filter(|text| speaks(text) && !known.contains(text)).collect();
    let list: Vec<String> = missing
        .iter()
        .map(|text| format!("msgid {text:?}\nmsgstr \"\"\n"))
        .collect();
    assert!(
        missing.is_empty(),
        "{} texts without French:\n{}",
        missing.len(),
        list.join("\n")
    );
}

#[test]
fn placeholders_agree() {
    for (english, french) in pairs().into_iter().chain(parse(FRENCH_OF_ENGINE)) {
        let (mut there, mut here) = (holes(&english), holes(&french));
        there.sort_unstable();
        here.sort_unstable();
        there.dedup();
        here.dedup();
        assert_eq!(here, there, "{english}");
        assert!(!french.trim().is_empty(), "{english}");
        assert_eq!(english.ends_with('.'), french.ends_with('.'), "{english}\n{french}");
    }
}

#[test]
fn no_text_stands_twice() {
    let mut seen = BTreeSet::new();
    for (english, _) in pairs() {
        assert!(seen.insert(english.clone()), "{english}");
    }
    seen.clear();
    for (english, _) in parse(FRENCH_OF_ENGINE) {
        assert!(seen.insert(english.clone()), "{english}");
    }
}

/// What the engine does not say any more need not be translated. Reasons of the kernel, and what is put together
/// from several literals, cannot be found so.
#[test]
fn the_engine_says_what_is_translated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut whole = String::new();
    for part in [
        "engine", "net", "runtime", "shim", "daemon", "api", "base", "client", "image", "registry", "cli",
    ] {
        for path in rust_files(&root.join("..").join(part).join("src")) {
            whole.push_str(&std::fs::read_to_string(path).unwrap().replace("\\\"", "\""));
        }
    }
    let known = parse(FRENCH_OF_ENGINE);
    let lost: Vec<&String> = known
        .iter()
        .map(|(english, _)| english)
        .filter(|english| !whole.contains(longest_piece(english)))
        .collect();
    assert!(lost.is_empty(), "not said by the engine: {lost:#?}");
}

/// The longest fixed part of a text.
fn longest_piece(text: &str) -> &str {
    let pieces = text.split(['{', '}']).step_by(2);
    pieces.max_by_key(|piece| piece.len()).unwrap_or_default().trim()
}

#[test]
fn messages_are_translated_as_they_are_printed() {
    for (english, expected) in [
        (
            "corten: 'corten run' requires at least 1 argument\n\nUsage:  corten run [OPTIONS] IMAGE\n\nSee 'corten run --help' for more information",
            "corten: « corten run » demande au moins 1 argument\n\nUtilisation :  corten run [OPTIONS] IMAGE\n\nVoir « corten run --help » pour en savoir plus",
        ),
        ("unknown flag: --bogus", "option inconnue : --bogus"),
        (
            "Error response from daemon: No such container: x",
            "Erreur du moteur : conteneur introuvable : x",
        ),
        ("Error: No such object: x", "Erreur : objet introuvable : x"),
        (
            "corten: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH\n\nRun 'corten run --help' for more information",
            "corten: Erreur du moteur : démarrage du conteneur impossible : tâche du gardien impossible : création par le runtime OCI impossible : création impossible : le processus du conteneur ne démarre pas : exec : « nosuch » : programme introuvable dans $PATH\n\nLancez « corten run --help » pour en savoir plus",
        ),
        (
            "WARNING: Published ports are discarded when using host network mode",
            "AVERTISSEMENT : les ports publiés ne comptent pas sur le réseau de l'hôte",
        ),
        (
            "WARNING: Error loading config file: open /x: permission denied",
            "AVERTISSEMENT : erreur de lecture du fichier de configuration : ouverture de /x : permission refusée",
        ),
        ("WARNING: something new", "WARNING: something new"),
        // One part is not known: all of it stays.
        (
            "Error response from daemon: cannot kill container: x: something new",
            "Error response from daemon: cannot kill container: x: something new",
        ),
        (
            "corten: Error response from daemon: unknown flag: x\n\nRun 'corten run --help' for more information",
            "corten: Error response from daemon: unknown flag: x\n\nLancez « corten run --help » pour en savoir plus",
        ),
        (
            "Failed to initialize: unable to resolve docker endpoint: context \"far\": cannot find docker endpoint in context",
            "Échec de l'initialisation : impossible de déterminer l'adresse du moteur : contexte \"far\" : aucune adresse de moteur dans ce contexte",
        ),
    ] {
        assert_eq!(french(english), expected);
    }
}
