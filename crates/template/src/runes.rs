//! Characters of byte strings that may not be UTF-8, as Go's `range` over a string sees them: a byte that
//! begins no character stands for U+FFFD and is one byte long.

/// What a byte that is no part of a character stands for.
pub(crate) const ERROR: char = '\u{fffd}';

/// The first character of `bytes` and its length; `(U+FFFD, 1)` for a broken one, `None` at the end.
pub(crate) fn first(bytes: &[u8]) -> Option<(char, usize)> {
    let lead = *bytes.first()?;
    let length = match lead {
        0..0x80 => return Some((char::from(lead), 1)),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        0x80..0xc2 | 0xf5.. => return Some((ERROR, 1)),
    };
    let letter = bytes.get(..length).and_then(|part| std::str::from_utf8(part).ok());
    Some(
        letter
            .and_then(|text| text.chars().next())
            .map_or((ERROR, 1), |letter| (letter, length)),
    )
}

/// The characters of `bytes`, each with its length.
pub(crate) fn each(bytes: &[u8]) -> impl Iterator<Item = (char, usize)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (letter, length) = first(rest)?;
        rest = rest.get(length..).unwrap_or_default();
        Some((letter, length))
    })
}

/// How many there are.
pub(crate) fn count(bytes: &[u8]) -> usize {
    each(bytes).count()
}

/// Each character mapped.
pub(crate) fn map(bytes: &[u8], with: impl Fn(char) -> char) -> Vec<u8> {
    each(bytes)
        .map(|(letter, _)| with(letter))
        .collect::<String>()
        .into_bytes()
}

/// `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_printable(letter: char) -> bool {
    // Behind another letter std escapes just what cannot be printed.
    letter != '\'' && letter != '"' && letter != '\\' && {
        let mut text = String::from("a");
        text.push(letter);
        text.escape_debug().nth(1) == Some(letter)
    } || matches!(letter, '\'' | '"' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_bytes() {
        let all: Vec<_> = each(b"a\xc3\xa9\xff\xe2\x82x").collect();
        assert_eq!(all, [('a', 1), ('é', 2), (ERROR, 1), (ERROR, 1), (ERROR, 1), ('x', 1)]);
        assert_eq!(count(b"\xff\xff"), 2);
    }

    #[test]
    fn printable() {
        for letter in ['a', 'é', '日', ' ', '"', '\'', '\\', '\u{301}'] {
            assert!(is_printable(letter), "{letter:?}");
        }
        for letter in ['\n', '\u{7f}', '\u{a0}', '\u{200b}', '\u{e000}', '\u{2028}'] {
            assert!(!is_printable(letter), "{letter:?}");
        }
    }
}
