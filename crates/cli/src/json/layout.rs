//! White space of JSON texts.

use serde_json::value::RawValue;

/// The text without white space between its tokens.
pub(crate) fn compact(text: &str) -> Result<String, serde_json::Error> {
    let raw: &RawValue = serde_json::from_str(text)?;
    let mut compact = String::with_capacity(raw.get().len());
    walk(raw.get(), |token| compact.push_str(token));
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
    walk(raw.get(), |token| out.push(token));
    Ok(out.text)
}

/// Calls `each` with every token: a string, a number or a word whole, or one sign. White space between them is passed over.
fn walk(text: &str, mut each: impl FnMut(&str)) {
    let mut rest = text.trim_ascii_start();
    while let Some(first) = rest.as_bytes().first() {
        let length = match *first {
            b'"' => string_length(rest.as_bytes()),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => word_length(rest.as_bytes()),
        };
        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        each(token);
        rest = behind.trim_ascii_start();
    }
}

/// Bytes of the string at the beginning, its quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().skip(1).position(|letter| {
        let is_end = *letter == b'"' && !is_escaped;
        is_escaped = *letter == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Bytes of the number or word at the beginning.
fn word_length(text: &[u8]) -> usize {
    let is_end = |letter: &u8| letter.is_ascii_whitespace() || b"{}[],:\"".contains(letter);
    text.iter().position(is_end).unwrap_or(text.len())
}

struct Indented<'a> {
    text: String,
    step: &'a str,
    depth: usize,
    /// The last token opened a list or an object.
    opened: bool,
}

impl Indented<'_> {
    fn push(&mut self, token: &str) {
        let closing = token == "}" || token == "]";
        if closing {
            self.depth = self.depth.saturating_sub(1);
        }
        if self.opened != closing && (self.opened || closing) {
            self.line();
        }
        self.opened = false;
        self.text.push_str(token);
        match token {
            "{" | "[" => {
                self.depth += 1;
                self.opened = true;
            }
            "," => self.line(),
            ":" => self.text.push(' '),
            _ => {}
        }
    }

    fn line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.depth {
            self.text.push_str(self.step);
        }
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
        assert_eq!(
            compact(" [ -1.5e3 , true,null , \"é \\\\\" ] ").unwrap(),
            "[-1.5e3,true,null,\"é \\\\\"]"
        );
        assert_eq!(indent("[]", 4).unwrap(), "[]");
        assert!(compact("{").is_err());
    }
}
