//! The functions that Docker adds to Go's, and what they are over the heads of a table: there the text
//! stays as it is, apart from padding.

use super::{Function, Outcome, Param, bytes, fixed, number, text};
use crate::print::{self, LARGEST};
use crate::runes;
use crate::value::{Cell, Type, Value};

/// Docker's functions.
pub(crate) const DOCKER: &[Function] = &[
    fixed("json", &[Param::Any], |arguments| {
        text(super::first(arguments).value.to_json())
    }),
    fixed("split", &[Param::Text, Param::Text], split),
    fixed("join", &[Param::Any, Param::Text], join),
    fixed("title", &[Param::Text], |arguments| text(title(argument(arguments)))),
    fixed("lower", &[Param::Text], |arguments| {
        text(runes::map(argument(arguments), lower))
    }),
    fixed("upper", &[Param::Text], |arguments| {
        text(runes::map(argument(arguments), upper))
    }),
    fixed("pad", &[Param::Text, Param::Int, Param::Int], pad),
    fixed("truncate", &[Param::Text, Param::Int], truncate),
];

/// The same over heads.
pub(crate) const HEADS: &[Function] = &[
    fixed("json", &[Param::Text], same),
    fixed("split", &[Param::Text, Param::Text], same),
    fixed("join", &[Param::Text, Param::Text], same),
    fixed("title", &[Param::Text], same),
    fixed("lower", &[Param::Text], same),
    fixed("upper", &[Param::Text], same),
    fixed("pad", &[Param::Text, Param::Int, Param::Int], pad),
    fixed("truncate", &[Param::Text, Param::Int], same),
];

fn same(arguments: &[Cell]) -> Outcome {
    Ok(super::first(arguments))
}

fn argument(arguments: &[Cell]) -> &[u8] {
    arguments.first().map(bytes).unwrap_or_default()
}

fn split(arguments: &[Cell]) -> Outcome {
    let whole = argument(arguments);
    let mark = arguments.get(1).map(bytes).unwrap_or_default();
    if mark.is_empty() {
        let mut at = 0;
        let letters = runes::each(whole).map(|(_, length)| {
            at += length;
            whole.get(at - length..at).unwrap_or_default().to_vec()
        });
        return Ok(Cell::bare(Value::texts(letters.collect::<Vec<_>>())));
    }
    let mut parts = Vec::new();
    let mut rest = whole;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        parts.push(rest.get(..at).unwrap_or_default().to_vec());
        rest = rest.get(at + mark.len()..).unwrap_or_default();
    }
    parts.push(rest.to_vec());
    Ok(Cell::bare(Value::texts(parts)))
}

/// Joins a list's items or a map's values, sorted (observed: docker CLI 29; 28 takes lists of strings only).
fn join(arguments: &[Cell]) -> Outcome {
    let mark = arguments.get(1).map(bytes).unwrap_or_default();
    let shown = |value: &Value| {
        let argument = match value {
            Value::Nil(kind) if **kind == Type::Any => None,
            value => Some(value.clone()),
        };
        print::sprint(&[argument]).map_err(|error| error.to_string())
    };
    let parts = match super::first(arguments).unboxed() {
        Value::Missing => Vec::new(),
        Value::Nil(kind) if matches!(kind.base(), Type::List(_) | Type::Map(..)) => Vec::new(),
        Value::List(items, _) => items.iter().map(shown).collect::<Result<Vec<_>, _>>()?,
        Value::Map(entries, _) => {
            let mut parts = entries.values().map(shown).collect::<Result<Vec<_>, _>>()?;
            parts.sort();
            parts
        }
        other => return Err(format!("expected slice, got {}", other.type_name())),
    };
    let size: usize = parts.iter().map(|part| part.len() + mark.len()).sum();
    if size > LARGEST {
        return Err(print::TooLarge.to_string());
    }
    text(parts.join(mark))
}

/// The first letter of each word in upper case.
fn title(whole: &[u8]) -> Vec<u8> {
    let mut out = String::new();
    let mut before = ' ';
    for (letter, _) in runes::each(whole) {
        out.push(if separates(before) { upper(letter) } else { letter });
        before = letter;
    }
    out.into_bytes()
}

fn separates(letter: char) -> bool {
    if letter.is_ascii() {
        return !letter.is_ascii_alphanumeric() && letter != '_';
    }
    !letter.is_alphanumeric() && letter.is_whitespace()
}

/// The upper case, where it is one letter.
fn upper(letter: char) -> char {
    let mut letters = letter.to_uppercase();
    match (letters.next(), letters.next()) {
        (Some(single), None) => single,
        _ => letter,
    }
}

fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn pad(arguments: &[Cell]) -> Outcome {
    let whole = argument(arguments);
    if whole.is_empty() {
        return text(whole);
    }
    let count = |at| usize::try_from(number(arguments.get(at))).map_err(|_| "strings: negative Repeat count");
    let (before, behind) = (count(1)?, count(2)?);
    if before.saturating_add(behind) > LARGEST {
        return Err(print::TooLarge.to_string());
    }
    text([vec![b' '; before], whole.to_vec(), vec![b' '; behind]].concat())
}

fn truncate(arguments: &[Cell]) -> Outcome {
    let (whole, length) = (argument(arguments), number(arguments.get(1)));
    match usize::try_from(length) {
        Ok(length) => text(whole.get(..length).unwrap_or(whole)),
        Err(_) => Err(format!("runtime error: slice bounds out of range [:{length}]")),
    }
}
