//! Detach keys: read from text (`ctrl-p,ctrl-q`, `ctrl-@,a`), found in what is typed.

/// The keys that detach, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetachKeys(Vec<u8>);

/// A key that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Unknown character: '{0}'")]
pub(crate) struct KeyError(String);

impl DetachKeys {
    /// Ctrl-P Ctrl-Q.
    pub(crate) fn standard() -> Self {
        Self(vec![16, 17])
    }

    /// Reads keys separated by commas; no text at all means the standard ones.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Ok(Self::standard());
        }
        text.split(',').map(key).collect::<Result<_, _>>().map(Self)
    }
}

fn key(text: &str) -> Result<u8, KeyError> {
    let fail = || KeyError(text.to_owned());
    if let [byte] = text.as_bytes() {
        return Ok(*byte);
    }
    match text.strip_prefix("ctrl-").ok_or_else(fail)?.as_bytes() {
        [letter @ (b'a'..=b'z')] => Ok(letter - b'a' + 1),
        [b'@'] => Ok(0),
        [b'['] => Ok(27),
        [b'\\'] => Ok(28),
        [b']'] => Ok(29),
        [b'^'] => Ok(30),
        [b'_'] => Ok(31),
        _ => Err(fail()),
    }
}

/// Looks for the keys in a stream of bytes; holds back a beginning of them until it is decided.
#[derive(Debug)]
pub(crate) struct Matcher {
    keys: Vec<u8>,
    held: usize,
}

impl Matcher {
    /// A matcher that has seen nothing.
    pub(crate) fn new(keys: DetachKeys) -> Self {
        Self { keys: keys.0, held: 0 }
    }

    /// What of the input is to be passed on, and whether the keys were completed. After completion the
    /// rest of the input is dropped.
    pub(crate) fn feed(&mut self, input: &[u8]) -> (Vec<u8>, bool) {
        let mut passed = Vec::with_capacity(input.len() + self.held);
        for &byte in input {
            if self.keys.get(self.held) == Some(&byte) {
                self.held += 1;
                if self.held == self.keys.len() {
                    self.held = 0;
                    return (passed, true);
                }
                continue;
            }
            passed.extend_from_slice(&self.keys[..self.held]);
            self.held = usize::from(self.keys.first() == Some(&byte) && self.held > 0);
            if self.held == 0 {
                passed.push(byte);
            }
        }
        (passed, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_keys() {
        assert_eq!(DetachKeys::parse(""), Ok(DetachKeys(vec![16, 17])));
        assert_eq!(DetachKeys::parse("ctrl-@,a,ctrl-["), Ok(DetachKeys(vec![0, b'a', 27])));
        assert_eq!(DetachKeys::parse("ctrl-1"), Err(KeyError("ctrl-1".to_owned())));
        assert!(DetachKeys::parse("foo").is_err());
    }

    #[test]
    fn finds_keys_across_pieces() {
        let mut matcher = Matcher::new(DetachKeys::standard());
        assert_eq!(matcher.feed(b"a\x10"), (b"a".to_vec(), false));
        assert_eq!(matcher.feed(b"b"), (b"\x10b".to_vec(), false));
        assert_eq!(matcher.feed(b"\x10\x10"), (b"\x10".to_vec(), false));
        assert_eq!(matcher.feed(b"\x11x"), (Vec::new(), true));
    }
}
