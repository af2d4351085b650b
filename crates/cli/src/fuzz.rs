//! What reads texts of others, for fuzz targets: command lines and `config.json`.

use crate::commands::GROUPS;
use crate::config;
use crate::flag::parse;

/// Reads the bytes as arguments of every command, one a line, and as a configuration file. Nothing is run.
pub fn fuzz(bytes: &[u8]) {
    drop(config::parse(bytes));
    let text = String::from_utf8_lossy(bytes);
    let arguments: Vec<String> = text.lines().map(str::to_owned).collect();
    for verb in GROUPS.iter().flat_map(|group| group.verbs) {
        drop(parse(verb.rules, arguments.clone()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panics(lines in prop::collection::vec("(--?[a-z-]{0,12}=?|[{}\\[\\]\":,a-zA-Z0-9]{0,12}){1,3}", 0..6)) {
            super::fuzz(lines.join("\n").as_bytes());
        }

        #[test]
        fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::fuzz(&bytes);
        }
    }
}
