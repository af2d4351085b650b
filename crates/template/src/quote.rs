//! Go's quoted strings, both ways (`strconv.Quote`, `strconv.Unquote`).

use crate::runes;

/// `text` in double quotes; with `ascii` everything beyond ASCII is escaped.
pub(crate) fn quote(text: &[u8], ascii: bool) -> String {
    quoted(text, '"', ascii)
}

/// A character in single quotes.
pub(crate) fn quote_char(letter: char, ascii: bool) -> String {
    quoted(letter.to_string().as_bytes(), '\'', ascii)
}

fn quoted(text: &[u8], mark: char, ascii: bool) -> String {
    let mut out = String::from(mark);
    let mut at = 0;
    for (letter, length) in runes::each(text) {
        match text.get(at) {
            Some(byte) if letter == runes::ERROR && length == 1 => out.push_str(&format!("\\x{byte:02x}")),
            _ => escape(letter, mark, ascii, &mut out),
        }
        at += length;
    }
    out.push(mark);
    out
}

fn escape(letter: char, mark: char, ascii: bool, out: &mut String) {
    match letter {
        '\\' => out.push_str("\\\\"),
        _ if letter == mark => out.extend(['\\', mark]),
        _ if letter.is_ascii() && runes::is_printable(letter) => out.push(letter),
        _ if !ascii && runes::is_printable(letter) => out.push(letter),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ => match u32::from(letter) {
            code @ (0..0x20 | 0x7f) => out.push_str(&format!("\\x{code:02x}")),
            code @ 0..0x10000 => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        },
    }
}

/// The bytes that a quoted Go string stands for; `None` if it is none. Knows `"…"` and `` `…` ``.
pub(crate) fn unquote(source: &str) -> Option<Vec<u8>> {
    if let Some(raw) = source.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(raw.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut rest = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (piece, behind) = unquote_one(rest, '"')?;
        match piece {
            Piece::Byte(byte) => out.push(byte),
            Piece::Letter(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = behind;
    }
    Some(out)
}

/// The number of a character constant `'x'`; `Err(true)` if more than one character is inside.
pub(crate) fn unquote_char(source: &str) -> Result<u32, bool> {
    let inside = source.strip_prefix('\'').ok_or(false)?;
    let (piece, behind) = unquote_one(inside, '\'').ok_or(false)?;
    if behind != "'" {
        return Err(true);
    }
    Ok(match piece {
        Piece::Byte(byte) => u32::from(byte),
        Piece::Letter(letter) => u32::from(letter),
    })
}

enum Piece {
    Byte(u8),
    Letter(char),
}

/// The first character or escape of `text`, and what follows.
fn unquote_one(text: &str, mark: char) -> Option<(Piece, &str)> {
    let mut letters = text.chars();
    match letters.next()? {
        letter if letter == mark => None,
        '\\' => escaped(letters.next()?, letters.as_str(), mark),
        letter => Some((Piece::Letter(letter), letters.as_str())),
    }
}

fn escaped(kind: char, rest: &str, mark: char) -> Option<(Piece, &str)> {
    let plain = |byte: u8| Some((Piece::Byte(byte), rest));
    match kind {
        'a' => plain(7),
        'b' => plain(8),
        'f' => plain(12),
        'n' => plain(b'\n'),
        'r' => plain(b'\r'),
        't' => plain(b'\t'),
        'v' => plain(11),
        '\\' => plain(b'\\'),
        _ if kind == mark => plain(u8::try_from(mark).ok()?),
        'x' => {
            let (code, rest) = number(rest, 2, 16)?;
            Some((Piece::Byte(u8::try_from(code).ok()?), rest))
        }
        'u' | 'U' => {
            let (code, rest) = number(rest, if kind == 'u' { 4 } else { 8 }, 16)?;
            Some((Piece::Letter(char::from_u32(code)?), rest))
        }
        '0'..='7' => {
            let (low, behind) = number(rest, 2, 8)?;
            let code = kind.to_digit(8)? * 64 + low;
            Some((Piece::Byte(u8::try_from(code).ok()?), behind))
        }
        _ => None,
    }
}

fn number(text: &str, digits: usize, base: u32) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(digits)?;
    if !head.chars().all(|letter| letter.is_digit(base)) {
        return None;
    }
    Some((u32::from_str_radix(head, base).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        assert_eq!(
            quote("a\"é\u{200b}\n\u{1}".as_bytes(), false),
            "\"a\\\"é\\u200b\\n\\x01\""
        );
        assert_eq!(quote("é😀".as_bytes(), true), "\"\\u00e9\\U0001f600\"");
        assert_eq!(quote(b"a\xff'", false), "\"a\\xff'\"");
        assert_eq!(quote_char('\'', false), "'\\''");
        assert_eq!(quote_char('"', false), "'\"'");
    }

    #[test]
    fn unquotes() {
        assert_eq!(
            unquote(r#""a\t\x41\u00e9\101\"""#).as_deref(),
            Some("a\tAéA\"".as_bytes())
        );
        assert_eq!(unquote("`a\\n\r`").as_deref(), Some(b"a\\n".as_slice()));
        for broken in [
            r#""\q""#,
            r#""\'""#,
            r#""\x4""#,
            r#""\400""#,
            r#""\ud800""#,
            "\"a",
            "a",
            "",
            "\"",
        ] {
            assert_eq!(unquote(broken), None, "{broken}");
        }
        assert_eq!(unquote_char("'a'"), Ok(97));
        assert_eq!(unquote_char(r"'\''"), Ok(39));
        assert_eq!(unquote_char(r"'\xff'"), Ok(255));
        assert_eq!(unquote_char("'ab'"), Err(true));
        assert_eq!(unquote_char("''"), Err(false));
    }
}
