//! YAML (1.2), as much of it as specifications of devices use, into JSON values: block and flow collections, plain
//! and quoted scalars on one line, comments, one document. Pure.
//!
//! Block scalars, anchors, aliases and tags are refused by name rather than guessed at. Sizes and depth are bounded
//! by [`DEPTH`] and by whoever reads the file.

use serde_json::{Map, Value};

/// How deep collections may lie in each other.
const DEPTH: usize = 32;

/// What is wrong, and in which line (from 1).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("yaml: line {line}: {what}")]
pub(super) struct YamlError {
    line: usize,
    what: &'static str,
}

/// Reads one document.
pub(super) fn parse(text: &str) -> Result<Value, YamlError> {
    let mut reader = Reader::new(text)?;
    if reader.lines.is_empty() {
        return Ok(Value::Null);
    }
    let value = reader.block(0)?;
    match reader.peek() {
        Some(_) => Err(reader.wrong("did not find the expected end")),
        None => Ok(value),
    }
}

/// A line that says something.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, YamlError> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let content = without_comment(line).trim_end();
            let text = content.trim_start_matches(' ');
            let number = index + 1;
            if text.starts_with('\t') {
                let what = "found character that cannot start any token";
                return Err(YamlError { line: number, what });
            }
            let is_mark = content == "---" || content == "...";
            if !text.is_empty() && !(is_mark && (lines.is_empty() || content == "...")) {
                let indent = content.len() - text.len();
                lines.push(Line { number, indent, text });
            }
        }
        Ok(Self { lines, at: 0 })
    }

    fn peek(&self) -> Option<Line<'a>> {
        self.lines.get(self.at).copied()
    }

    fn wrong(&self, what: &'static str) -> YamlError {
        let last = self.lines.last().map_or(1, |line| line.number);
        YamlError {
            line: self.peek().map_or(last, |line| line.number),
            what,
        }
    }

    /// What begins with the line to come.
    fn block(&mut self, depth: usize) -> Result<Value, YamlError> {
        if depth > DEPTH {
            return Err(self.wrong("exceeded max depth"));
        }
        let Some(line) = self.peek() else {
            return Ok(Value::Null);
        };
        if item(line.text).is_some() {
            self.sequence(line.indent, depth)
        } else if key(line.text).is_some() {
            self.mapping(line.indent, depth)
        } else {
            let value = self.inline(line.text, depth)?;
            self.at += 1;
            Ok(value)
        }
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            let Some(rest) = item(line.text) else { break };
            if rest.is_empty() {
                self.at += 1;
                let below = self.peek().is_some_and(|next| next.indent > indent);
                items.push(if below { self.block(depth + 1)? } else { Value::Null });
                continue;
            }
            // What follows the hyphen is as a line of its own, further in.
            if let Some(current) = self.lines.get_mut(self.at) {
                current.indent += line.text.len() - rest.len();
                current.text = rest;
            }
            items.push(self.block(depth + 1)?);
        }
        self.check_indent(indent)?;
        Ok(Value::Array(items))
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Result<Value, YamlError> {
        let mut entries = Map::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            if item(line.text).is_some() {
                break;
            }
            let Some((name, rest)) = key(line.text) else {
                return Err(self.wrong("could not find expected ':'"));
            };
            if entries.contains_key(&name) {
                return Err(self.wrong("mapping key already defined"));
            }
            let value = if rest.is_empty() {
                self.at += 1;
                let below = |next: Line<'_>| next.indent > indent || next.indent == indent && item(next.text).is_some();
                if self.peek().is_some_and(below) {
                    self.block(depth + 1)?
                } else {
                    Value::Null
                }
            } else {
                let value = self.inline(rest, depth)?;
                self.at += 1;
                value
            };
            entries.insert(name, value);
        }
        self.check_indent(indent)?;
        Ok(Value::Object(entries))
    }

    fn check_indent(&self, indent: usize) -> Result<(), YamlError> {
        match self.peek() {
            Some(line) if line.indent > indent => Err(self.wrong("did not find expected key")),
            _ => Ok(()),
        }
    }

    /// A value that is in one line.
    fn inline(&self, text: &str, depth: usize) -> Result<Value, YamlError> {
        let (value, rest) = flow(text, false, depth).map_err(|what| self.wrong(what))?;
        if rest.trim().is_empty() {
            Ok(value)
        } else {
            Err(self.wrong("did not find the expected end"))
        }
    }
}

/// A line up to its comment.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if letter == open && before != '\\' => quote = None,
            Some(_) => {}
            None if letter == '#' && before.is_whitespace() => return line.get(..at).unwrap_or_default(),
            None if matches!(letter, '"' | '\'') && (before.is_whitespace() || "[{,:-".contains(before)) => {
                quote = Some(letter);
            }
            None => {}
        }
        before = letter;
    }
    line
}

/// What follows the hyphen of a sequence's item.
fn item(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('-')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim_start())
}

/// A key and what follows its colon.
fn key(text: &str) -> Option<(String, &str)> {
    if text.starts_with(['"', '\'']) {
        let (name, rest) = quoted(text).ok()?;
        let rest = rest.trim_start().strip_prefix(':')?;
        return (rest.is_empty() || rest.starts_with(' ')).then(|| (name, rest.trim_start()));
    }
    if text.starts_with(['[', '{']) {
        return None;
    }
    let (name, rest) = match text.split_once(": ") {
        Some((name, rest)) => (name, rest.trim_start()),
        None => (text.strip_suffix(':')?, ""),
    };
    Some((name.trim_end().to_owned(), rest))
}

/// One value and what follows it; `inside` a flow collection, its marks end a plain scalar.
fn flow(text: &str, inside: bool, depth: usize) -> Result<(Value, &str), &'static str> {
    if depth > DEPTH {
        return Err("exceeded max depth");
    }
    let text = text.trim_start();
    match text.chars().next() {
        Some('[') => flow_sequence(text.get(1..).unwrap_or_default(), depth),
        Some('{') => flow_mapping(text.get(1..).unwrap_or_default(), depth),
        Some('"' | '\'') => quoted(text).map(|(text, rest)| (Value::String(text), rest)),
        Some('|' | '>') => Err("block scalars are not supported here"),
        Some('&' | '*' | '!') => Err("anchors, aliases and tags are not supported here"),
        Some('@' | '`' | '%') => Err("found character that cannot start any token"),
        _ => {
            let end = if inside { text.find([',', ']', '}']) } else { None };
            let (plain, rest) = text.split_at(end.unwrap_or(text.len()));
            Ok((scalar(plain.trim()), rest))
        }
    }
}

fn flow_sequence(mut text: &str, depth: usize) -> Result<(Value, &str), &'static str> {
    let mut items = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix(']') {
            return Ok((Value::Array(items), rest));
        }
        let (value, rest) = flow(text, true, depth + 1)?;
        items.push(value);
        text = next(rest, ']')?;
    }
}

fn flow_mapping(mut text: &str, depth: usize) -> Result<(Value, &str), &'static str> {
    let mut entries = Map::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix('}') {
            return Ok((Value::Object(entries), rest));
        }
        let (name, rest) = if text.starts_with(['"', '\'']) {
            let (name, rest) = quoted(text)?;
            (name, rest.trim_start().strip_prefix(':'))
        } else {
            let found = text.split_once(':');
            found.map_or((String::new(), None), |(name, rest)| {
                (name.trim().to_owned(), Some(rest))
            })
        };
        let rest = rest.ok_or("could not find expected ':'")?;
        let (value, rest) = flow(rest, true, depth + 1)?;
        entries.insert(name, value);
        text = next(rest, '}')?;
    }
}

/// Behind the comma, or at the end of the collection.
fn next(text: &str, end: char) -> Result<&str, &'static str> {
    let text = text.trim_start();
    match text.strip_prefix(',') {
        Some(rest) => Ok(rest),
        None if text.starts_with(end) => Ok(text),
        None => Err("did not find expected ',' or the collection's end"),
    }
}

/// A quoted scalar and what follows it.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    const OPEN: &str = "found unexpected end of stream";
    let mut letters = text.char_indices();
    let Some((_, quote)) = letters.next() else {
        return Err(OPEN);
    };
    let mut said = String::new();
    while let Some((at, letter)) = letters.next() {
        let rest = text.get(at + letter.len_utf8()..).unwrap_or_default();
        match letter {
            '\'' if quote == '\'' && rest.starts_with('\'') => {
                letters.next();
                said.push('\'');
            }
            _ if letter == quote => return Ok((said, rest)),
            '\\' if quote == '"' => match letters.next() {
                Some((_, 'n')) => said.push('\n'),
                Some((_, 't')) => said.push('\t'),
                Some((_, escaped @ ('"' | '\\' | '/' | ' '))) => said.push(escaped),
                Some(_) => return Err("found unknown escape character"),
                None => return Err(OPEN),
            },
            _ => said.push(letter),
        }
    }
    Err(OPEN)
}

/// What a plain scalar means (YAML 1.2, core schema).
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Some(octal) = text.strip_prefix("0o")
        && let Ok(number) = u64::from_str_radix(octal, 8)
    {
        return number.into();
    }
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(number) => Value::Number(number),
        Err(_not_a_number) => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents() {
        let table = [
            ("", json!(null)),
            ("# nothing\n---\n", json!(null)),
            ("a: b", json!({ "a": "b" })),
            (
                "a: 1\nb: -2.5\nc: 0o17\nd: 1.2.3\ne: yes\nf: true\ng: ~\nh:\n",
                json!({
                    "a": 1, "b": -2.5, "c": 15, "d": "1.2.3", "e": "yes", "f": true, "g": null, "h": null,
                }),
            ),
            (
                "a:\n- b\n- c: d\n  e: f\n-\n  g: h\n- - i\n  - j\n",
                json!({
                    "a": ["b", { "c": "d", "e": "f" }, { "g": "h" }, ["i", "j"]],
                }),
            ),
            (
                "a:\n    - b # said\n    - \"c # not said\"\n    - 'it''s'\n",
                json!({ "a": ["b", "c # not said", "it's"] }),
            ),
            (
                "a: [b, 'c, d', {e: f, \"g\": [1, 2]}, ]\nh: {}",
                json!({
                    "a": ["b", "c, d", { "e": "f", "g": [1, 2] }], "h": {},
                }),
            ),
            (
                "a: FOO=b:c\n\"k: l\": \"x\\ty\\\"\"\nurl: http://h:1/#x",
                json!({
                    "a": "FOO=b:c", "k: l": "x\ty\"", "url": "http://h:1/#x",
                }),
            ),
            ("- a\n- b\n...\n", json!(["a", "b"])),
            (
                "a:\n  b:\n    c: d\n  e: f\n",
                json!({ "a": { "b": { "c": "d" }, "e": "f" } }),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refusals() {
        let table = [
            ("a: b\n  c: d", 2),
            ("a: b\na: c", 2),
            ("a: \"b", 1),
            ("a: [b", 1),
            ("a: {b}", 1),
            ("a: |\n  b", 1),
            ("a: &x b", 1),
            ("a: *x", 1),
            ("a:\n\tb: c", 2),
            ("a: b\nc", 2),
            ("a\nb: c", 2),
        ];
        for (text, line) in table {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
        let deep = format!("a: {}", "[".repeat(1000));
        assert_eq!(parse(&deep).unwrap_err().what, "exceeded max depth");
        let deep = "- ".repeat(1000);
        assert_eq!(parse(&deep).unwrap_err().what, "exceeded max depth");
    }
}
