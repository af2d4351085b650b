//! Shell-like words: quotes removed, backslashes resolved, `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`
//! replaced from the environment that the image has so far.

use std::iter::Peekable;
use std::str::Chars;

use super::{ChangeError, fail};

/// Expands words in one environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'e> {
    env: &'e [String],
}

impl<'e> Words<'e> {
    pub(super) fn new(env: &'e [String]) -> Self {
        Self { env }
    }

    /// `text` with everything replaced, as one word.
    pub(super) fn expand(&self, text: &str) -> Result<String, ChangeError> {
        let mut out = String::new();
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '\'' => self.single_quoted(&mut rest, text, &mut out)?,
                '"' => self.double_quoted(&mut rest, text, &mut out)?,
                '\\' => out.extend(rest.next()),
                '$' => out.push_str(&self.variable(&mut rest, text)?),
                other => out.push(other),
            }
        }
        Ok(out)
    }

    fn single_quoted(&self, rest: &mut Peekable<Chars<'_>>, text: &str, out: &mut String) -> Result<(), ChangeError> {
        loop {
            match rest.next() {
                Some('\'') => return Ok(()),
                Some(other) => out.push(other),
                None => return unfinished(text, "single-quote"),
            }
        }
    }

    fn double_quoted(&self, rest: &mut Peekable<Chars<'_>>, text: &str, out: &mut String) -> Result<(), ChangeError> {
        loop {
            match rest.next() {
                Some('"') => return Ok(()),
                Some('$') => out.push_str(&self.variable(rest, text)?),
                Some('\\') => match rest.next() {
                    Some(escaped @ ('"' | '$' | '\\')) => out.push(escaped),
                    Some(other) => out.extend(['\\', other]),
                    None => return unfinished(text, "double-quote"),
                },
                Some(other) => out.push(other),
                None => return unfinished(text, "double-quote"),
            }
        }
    }

    fn variable(&self, rest: &mut Peekable<Chars<'_>>, text: &str) -> Result<String, ChangeError> {
        if rest.next_if_eq(&'{').is_none() {
            let name = name(rest);
            return Ok(if name.is_empty() {
                "$".to_owned()
            } else {
                self.value(&name).unwrap_or_default().to_owned()
            });
        }
        let name = name(rest);
        let value = self.value(&name).filter(|value| !value.is_empty());
        match rest.next() {
            Some('}') if name.is_empty() => fail(format!("failed to process {text:?}: bad substitution")),
            Some('}') => Ok(self.value(&name).unwrap_or_default().to_owned()),
            Some(':') => {
                let operator = rest.next();
                let alternative = self.expand(&until_brace(rest, text)?)?;
                match operator {
                    Some('-') => Ok(value.map_or(alternative, str::to_owned)),
                    Some('+') => Ok(value.map_or_else(String::new, |_| alternative)),
                    Some('?') if value.is_some() => Ok(value.unwrap_or_default().to_owned()),
                    Some('?') => fail(format!("failed to process {text:?}: {name}: {alternative}")),
                    other => fail(format!(
                        "failed to process {text:?}: unsupported modifier ({}) in substitution",
                        other.unwrap_or(' ')
                    )),
                }
            }
            _ => fail(format!("failed to process {text:?}: missing ':' in substitution")),
        }
    }

    fn value(&self, name: &str) -> Option<&'e str> {
        self.env
            .iter()
            .rev()
            .find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
    }
}

/// A name, or one digit or special parameter.
fn name(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(character) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        name.push(character);
        if name.len() == 1 && character.is_ascii_digit() {
            break;
        }
    }
    name
}

fn until_brace(rest: &mut Peekable<Chars<'_>>, text: &str) -> Result<String, ChangeError> {
    let mut word = String::new();
    let mut depth = 0;
    for character in rest.by_ref() {
        match character {
            '}' if depth == 0 => return Ok(word),
            '}' => depth -= 1,
            '{' => depth += 1,
            _ => {}
        }
        word.push(character);
    }
    fail(format!("failed to process {text:?}: syntax error: missing '}}'"))
}

fn unfinished<T>(text: &str, quote: &str) -> Result<T, ChangeError> {
    fail(format!(
        "failed to process {text:?}: unexpected end of statement while looking for matching {quote}"
    ))
}
