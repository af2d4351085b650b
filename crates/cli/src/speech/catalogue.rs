//! The catalogue: pairs of texts in gettext's PO format, which translators' programs edit.
//!
//! ```text
//! # a comment
//! msgid "did you mean `{command}`?"
//! msgstr "vouliez-vous dire « {command} » ?"
//! ```
//! A text may go on in further quoted lines. Read when the first French text is needed.

use std::collections::HashMap;

use super::pattern::Pattern;

/// The pairs of one language.
#[derive(Debug)]
pub(super) struct Catalogue {
    exact: HashMap<String, String>,
    /// Those with placeholders, what has most fixed letters first.
    patterns: Vec<(Pattern, String)>,
}

impl Catalogue {
    /// Reads PO texts. They are ours: a test reads them too.
    pub(super) fn new(files: &[&str]) -> Self {
        let pairs = files.iter().flat_map(|file| parse(file));
        let mut catalogue = Self {
            exact: HashMap::new(),
            patterns: Vec::new(),
        };
        for (english, french) in pairs {
            if english.contains('{') {
                catalogue.patterns.push((Pattern::new(&english), french.clone()));
            }
            catalogue.exact.insert(english, french);
        }
        catalogue
            .patterns
            .sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.weight()));
        catalogue
    }

    /// The translation of a fixed text.
    pub(super) fn exact(&self, text: &str) -> Option<&str> {
        self.exact.get(text).map(String::as_str)
    }

    /// What stands in the placeholders of each pattern that describes a text, with the pattern's translation.
    pub(super) fn readings<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (Vec<(&'a str, &'a str)>, &'a str)> {
        self.patterns
            .iter()
            .filter_map(move |(pattern, french)| Some((pattern.captures(text)?, french.as_str())))
    }

    /// The translation of a text that some pattern describes; what stands in the placeholders goes through
    /// `inner` first.
    pub(super) fn fill(&self, text: &str, inner: impl Fn(&str) -> String) -> Option<String> {
        let (captures, french) = self.readings(text).next()?;
        Some(super::pattern::fill(french, &captures, inner))
    }
}

/// The pairs of one file, in order.
pub(super) fn parse(file: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut in_value = false;
    for line in file.lines().map(str::trim) {
        let quoted = if let Some(rest) = line.strip_prefix("msgid ") {
            pairs.push((String::new(), String::new()));
            in_value = false;
            rest
        } else if let Some(rest) = line.strip_prefix("msgstr ") {
            in_value = true;
            rest
        } else if line.starts_with('"') {
            line
        } else {
            continue;
        };
        if let Some((english, french)) = pairs.last_mut() {
            let target = if in_value { french } else { english };
            target.push_str(&unquote(quoted));
        }
    }
    pairs
}

fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let mut out = String::new();
    let mut letters = inner.unwrap_or(text).chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
# a comment
msgid "one"
msgstr "un"

msgid "two \"quoted\"\n"
"lines"
msgstr ""
"deux"

msgid "no {name} at {place}"
msgstr "pas de {name} à {place}"
"#;

    #[test]
    fn reads_pairs() {
        let pairs = parse(FILE);
        assert_eq!(pairs[0], ("one".to_owned(), "un".to_owned()));
        assert_eq!(pairs[1], ("two \"quoted\"\nlines".to_owned(), "deux".to_owned()));
        let catalogue = Catalogue::new(&[FILE]);
        assert_eq!(catalogue.exact("one"), Some("un"));
        let filled = catalogue.fill("no x at y: z", |inner| inner.to_uppercase());
        assert_eq!(filled.as_deref(), Some("pas de X à Y: Z"));
        assert_eq!(catalogue.fill("yes x", str::to_owned), None);
    }
}
