//! White space of JSON texts.

use serde_json::value::RawValue;

/// The text without white space between its tokens.
pub(crate) fn compact(text: &str) -> Result<String, serde_json::Error> {
    let raw: &RawValue = serde_json::from_str(text)?;
    let mut compact = String::with_capacity(raw.get().len());
    walk(raw.get(), |token, _| compact.push(token));
    Ok(compact)
}

/// The text, one entry per line, indented by `width` spaces per level.
pub(crate) fn indent(text: &str, width: usize) -> Result<String, serde_json::Error> {
    indent_with(text, &" ".repeat(width))
}

/// The text, one entry per line, each level indented by `step` more.
pub(crate) fn indent_with(text: &str, step: &str) -> Result<String, serde_json::Error> {
    let raw: &RawValue = serde_json::from_str(text)?;
    let mut out = Indented {
        text: String::with_capacity(raw.get().len() * 2),
        step,
        depth: 0,
        opened: false,
    };
    walk(raw.get(), |token, inside| out.push(token, inside));
    Ok(out.text)
}

/// Calls `each` with every character that is not white space between tokens, and whether it lies in a string.
fn walk(text: &str, mut each: impl FnMut(char, bool)) {
    let (mut inside, mut escaped) = (false, false);
    for letter in text.chars() {
        if inside {
            each(letter, true);
            inside = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if !letter.is_ascii_whitespace() {
            inside = letter == '"';
            each(letter, inside);
        }
    }
}

struct Indented<'a> {
    text: String,
    step: &'a str,
    depth: usize,
    /// The last token opened a list or an object.
    opened: bool,
}

impl Indented<'_> {
    fn push(&mut self, token: char, inside: bool) {
        let closing = !inside && (token == '}' || token == ']');
        if closing {
            self.depth -= 1;
        }
        if self.opened != closing && (self.opened || closing) {
            self.line();
        }
        self.opened = false;
        self.text.push(token);
        if inside {
            return;
        }
        match token {
            '{' | '[' => {
                self.depth += 1;
                self.opened = true;
            }
            ',' => self.line(),
            ':' => self.text.push(' '),
            _ => {}
        }
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(self.step, self.depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lays_out() {
        let text = r#"{"a": [1,  {"b":"x, {\"y\\"}], "c":{}, "d":[ ]}"#;
        assert_eq!(compact(text).unwrap(), r#"{"a":[1,{"b":"x, {\"y\\"}],"c":{},"d":[]}"#);
        assert_eq!(
            indent(text, 2).unwrap(),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x, {\\\"y\\\\\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}"
        );
        assert_eq!(indent("[]", 4).unwrap(), "[]");
        assert!(compact("{").is_err());
    }
}
