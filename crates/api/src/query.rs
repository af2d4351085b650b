//! Values in query strings as Docker reads them.

/// A boolean: `""`, `0`, `no`, `false`, `none` in any case, trimmed, are false; all else is true.
#[must_use]
pub fn boolean(value: &str) -> bool {
    let value = value.trim();
    !["", "0", "no", "false", "none"]
        .iter()
        .any(|no| value.eq_ignore_ascii_case(no))
}

/// The pairs of a query string, decoded, in order. A pair that cannot be decoded is left out, as Go does.
#[must_use]
pub fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(key, true)?, unescape(value, true)?))
        })
        .collect()
}

/// Percent-decodes text; `plus_is_space` as in query strings, not paths. None if it is malformed or
/// not UTF-8.
#[must_use]
pub fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            b'+' if plus_is_space => b' ',
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Percent-encodes text for a query value or one path segment.
#[must_use]
pub fn escape(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(char::from(DIGITS[usize::from(byte >> 4)]));
            escaped.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    escaped
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn booleans_as_docker_reads_them() {
        for no in ["", "0", "no", "NO", "false", "False", "none", " none ", "\t0"] {
            assert!(!boolean(no), "{no:?}");
        }
        for yes in ["1", "true", "yes", "on", "2", "f", "n", "nil"] {
            assert!(boolean(yes), "{yes:?}");
        }
    }

    #[test]
    fn pairs_are_decoded_and_bad_ones_left_out() {
        let read = pairs("a=1&b=%7B%22x%22%7D+y&c&&d=%zz&e=%ff&f;g=1&a=2");
        let want = [("a", "1"), ("b", "{\"x\"} y"), ("c", ""), ("a", "2")];
        assert_eq!(read, want.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    proptest! {
        #[test]
        fn unescape_undoes_escape(text in ".*") {
            prop_assert_eq!(unescape(&escape(&text), true), Some(text.clone()));
            prop_assert_eq!(unescape(&escape(&text), false), Some(text));
        }
    }
}
