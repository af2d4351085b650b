//! `html`, `js`, `urlquery`: texts made safe for other languages.

use super::{Outcome, text};
use crate::print;
use crate::runes;
use crate::value::{Cell, Value};

/// The arguments as one text.
fn shown(arguments: &[Cell]) -> Result<Vec<u8>, String> {
    let values: Vec<_> = arguments
        .iter()
        .map(|cell| match cell.clone().unboxed() {
            Value::Missing => Some(Value::text("<no value>")),
            Value::Pointer(to, _) => Some(to.behind()),
            value => Some(value),
        })
        .collect();
    match values.as_slice() {
        [Some(Value::Text(text, crate::value::Type::Text))] => Ok(text.to_vec()),
        values => print::sprint(values).map_err(|error| error.to_string()),
    }
}

pub(super) fn html(arguments: &[Cell]) -> Outcome {
    let mut out = Vec::new();
    for byte in shown(arguments)? {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            byte => out.push(byte),
        }
    }
    text(out)
}

pub(super) fn js(arguments: &[Cell]) -> Outcome {
    let whole = shown(arguments)?;
    let mut out: Vec<u8> = Vec::new();
    let mut at = 0;
    for (letter, length) in runes::each(&whole) {
        let source = whole.get(at..at + length).unwrap_or_default();
        at += length;
        match letter {
            '\\' | '\'' | '"' => {
                out.push(b'\\');
                out.extend_from_slice(source);
            }
            '<' | '>' | '&' | '=' | '\0'..' ' => out.extend(format!("\\u{:04X}", u32::from(letter)).bytes()),
            _ if letter.is_ascii() || runes::is_printable(letter) => out.extend_from_slice(source),
            _ => out.extend(format!("\\u{:04X}", u32::from(letter)).bytes()),
        }
    }
    text(out)
}

pub(super) fn urlquery(arguments: &[Cell]) -> Outcome {
    let mut out = String::new();
    for byte in shown(arguments)? {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    text(out)
}
