//! Instructions of a Dockerfile: continued lines joined, comments and empty lines left out, keyword, flags and the rest.

use super::{ChangeError, fail};

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// In upper case.
    pub(super) keyword: String,
    /// As it was written.
    pub(super) written: String,
    /// Leading words that begin with `--`.
    pub(super) flags: Vec<String>,
    /// What follows, trimmed.
    pub(super) rest: String,
}

/// The instructions of `text`.
pub(super) fn instructions(text: &str) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut current = String::new();
    for line in text.lines() {
        let comment = line.trim_start().starts_with('#');
        if comment || (line.trim().is_empty() && !current.is_empty()) {
            continue;
        }
        match line.trim_end().strip_suffix('\\') {
            Some(continued) => current.push_str(continued),
            None => {
                current.push_str(line);
                found.extend(instruction(&current));
                current.clear();
            }
        }
    }
    found.extend(instruction(&current));
    found
}

fn instruction(line: &str) -> Option<Instruction> {
    let line = line.trim();
    let (written, mut rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if written.is_empty() {
        return None;
    }
    let mut flags = Vec::new();
    loop {
        rest = rest.trim_start();
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if !word.starts_with("--") || word == "--" {
            break;
        }
        flags.push(word.to_owned());
        rest = after;
    }
    Some(Instruction {
        keyword: written.to_ascii_uppercase(),
        written: written.to_owned(),
        flags,
        rest: rest.trim().to_owned(),
    })
}

/// Words, with quotes and backslashes left in them; a quote hides spaces.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            (space, None) if space.is_whitespace() => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
                continue;
            }
            ('\\', None | Some('"')) => {
                word.push('\\');
                word.extend(characters.next());
                continue;
            }
            (mark @ ('"' | '\''), None) => quote = Some(mark),
            (mark, Some(open)) if mark == open => quote = None,
            (_, None | Some(_)) => {}
        }
        word.push(character);
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The list, if the text is a JSON list; anything that is not JSON is a text for the shell.
pub(super) fn json_list(text: &str) -> Result<Option<Vec<String>>, ChangeError> {
    if !text.starts_with('[') {
        return Ok(None);
    }
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) else {
        return Ok(None);
    };
    let texts: Option<Vec<String>> = values
        .into_iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect();
    match texts {
        Some(list) => Ok(Some(list)),
        None => fail("when using JSON array syntax, arrays must be comprised of strings only"),
    }
}
