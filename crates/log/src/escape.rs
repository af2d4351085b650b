//! Text as the inside of a JSON string, byte for byte as Go's encoder with its HTML escapes writes
//! it, which is what Docker's log files hold: `<`, `>`, `&` and control characters as `\u00xx`, line
//! feed and carriage return short, U+2028 and U+2029 escaped, each byte that is no UTF-8 as `\ufffd`.

/// Appends `text`, escaped, to `to`. The result is ASCII or valid UTF-8 whatever `text` holds.
pub fn escape(mut text: &[u8], to: &mut Vec<u8>) {
    loop {
        let clean = clean_length(text);
        to.extend_from_slice(&text[..clean]);
        text = &text[clean..];
        let Some((&byte, rest)) = text.split_first() else {
            return;
        };
        if byte < 0x80 {
            escape_ascii(byte, to);
            text = rest;
        } else {
            let length = text.iter().position(u8::is_ascii).unwrap_or(text.len());
            escape_wide(&text[..length], to);
            text = &text[length..];
        }
    }
}

fn is_special(byte: u8) -> bool {
    !(0x20..0x80).contains(&byte) | (byte == b'"') | (byte == b'\\') | (byte == b'<') | (byte == b'>') | (byte == b'&')
}

/// How many bytes at the start need no escape. Looks at eight at a time in one number: the programs are linked for size,
/// and then the compiler makes no vector code of a loop.
fn clean_length(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks();
    let start = words
        .iter()
        .take_while(|word| !has_special(u64::from_ne_bytes(**word)))
        .count()
        * 8;
    let rest = &text[start..];
    start + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

/// Whether one of the eight bytes is special.
fn has_special(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    // the top bit of the lowest zero byte, and of others only above it
    let zeros = |word: u64| word.wrapping_sub(EACH) & !word & TOP;
    let control = word.wrapping_sub(0x20 * EACH) & !word;
    let quote_or_and = zeros((word & (0xfb * EACH)) ^ (0x22 * EACH));
    let less_or_greater = zeros((word & (0xfd * EACH)) ^ (0x3c * EACH));
    let backslash = zeros(word ^ (0x5c * EACH));
    (word | control | quote_or_and | less_or_greater | backslash) & TOP != 0
}

fn escape_ascii(byte: u8, to: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => to.extend_from_slice(&[b'\\', byte]),
        b'\n' => to.extend_from_slice(br"\n"),
        b'\r' => to.extend_from_slice(br"\r"),
        _ => {
            let (high, low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
            to.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    }
}

/// `text` has no ASCII.
fn escape_wide(text: &[u8], to: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        let mut valid = chunk.valid();
        while let Some(at) = valid.find(['\u{2028}', '\u{2029}']) {
            let (before, separator) = valid.split_at(at);
            to.extend_from_slice(before.as_bytes());
            to.extend_from_slice(if separator.starts_with('\u{2028}') {
                br"\u2028"
            } else {
                br"\u2029"
            });
            valid = &separator['\u{2028}'.len_utf8()..];
        }
        to.extend_from_slice(valid.as_bytes());
        for _ in chunk.invalid() {
            to.extend_from_slice(br"\ufffd");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &[u8]) -> String {
        let mut to = Vec::new();
        escape(text, &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn as_go_writes_it() {
        assert_eq!(
            escaped(b"<a href=\"x\">&\\</a>"),
            r#"\u003ca href=\"x\"\u003e\u0026\\\u003c/a\u003e"#
        );
        assert_eq!(escaped(b"\t\r\n\x00\x1b[0m\x7f"), "\\u0009\\r\\n\\u0000\\u001b[0m\x7f");
        assert_eq!(
            escaped("é\u{2028}\u{2029}\u{2027}🦀".as_bytes()),
            "é\\u2028\\u2029\u{2027}🦀"
        );
        assert_eq!(
            escaped(b"\xff\xe2\x82a\xed\xa0\x80"),
            r"\ufffd\ufffd\ufffda\ufffd\ufffd\ufffd"
        );
    }

    /// As Go decodes: each byte outside a valid sequence is one replacement character.
    fn lossy(text: &[u8]) -> String {
        let mut decoded = String::new();
        for chunk in text.utf8_chunks() {
            decoded.push_str(chunk.valid());
            decoded.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
        }
        decoded
    }

    #[test]
    fn eight_at_once_are_as_one_by_one() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut word = *b"abcdefgh";
                word[place] = byte;
                assert_eq!(
                    has_special(u64::from_ne_bytes(word)),
                    is_special(byte),
                    "{byte:#x} at {place}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_what_they_were(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let decoded: String = serde_json::from_str(&format!("\"{}\"", escaped(&text))).unwrap();
            prop_assert_eq!(decoded, lossy(&text));
        }

        #[test]
        fn any_text_decodes_to_what_it_was(text in "(\\PC|[\u{0}-\u{7f}\u{2020}-\u{2030}]){0,100}") {
            let decoded: String = serde_json::from_str(&format!("\"{}\"", escaped(text.as_bytes()))).unwrap();
            prop_assert_eq!(decoded, text);
        }
    }
}
