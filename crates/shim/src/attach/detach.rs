//! Looks for the detach keys in what a client types.
//!
//! Keys that begin the sequence are held back until the next shows whether it goes on; if not, they
//! are passed on. How the input is cut into reads makes no difference.

use serde::{Deserialize, Serialize};

/// The keys, and how many of them were typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachKeys {
    keys: Vec<u8>,
    typed: usize,
}

/// What came of some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// Go on.
    Text,
    /// The keys were typed to the end; what was typed after them is dropped.
    Detach,
}

impl DetachKeys {
    /// Waits for these keys; none: passes everything on.
    #[must_use]
    pub fn new(keys: Vec<u8>) -> Self {
        Self { keys, typed: 0 }
    }

    /// Appends to `to` what is for the process.
    pub fn filter(&mut self, input: &[u8], to: &mut Vec<u8>) -> Typed {
        if self.keys.is_empty() {
            to.extend_from_slice(input);
            return Typed::Text;
        }
        for &byte in input {
            self.step(byte, to);
            if self.typed == self.keys.len() {
                self.typed = 0;
                return Typed::Detach;
            }
        }
        Typed::Text
    }

    /// Passes on the keys that are held back: the input has ended.
    pub fn finish(&mut self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.keys[..self.typed]);
        self.typed = 0;
    }

    /// Whether the filter changes anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Holds the longest end of the input that begins the keys.
    fn step(&mut self, byte: u8, to: &mut Vec<u8>) {
        let mut candidate = self.keys[..self.typed].to_vec();
        candidate.push(byte);
        let passed = (0..=candidate.len()).find(|from| self.keys.starts_with(&candidate[*from..]));
        let passed = passed.expect("the empty end begins any keys");
        to.extend_from_slice(&candidate[..passed]);
        self.typed = candidate.len() - passed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(keys: &[u8], reads: &[&[u8]]) -> (Vec<u8>, Typed) {
        let (mut state, mut to) = (DetachKeys::new(keys.to_vec()), Vec::new());
        for read in reads {
            if state.filter(read, &mut to) == Typed::Detach {
                return (to, Typed::Detach);
            }
        }
        state.finish(&mut to);
        (to, Typed::Text)
    }

    #[test]
    fn finds_the_keys_however_they_come() {
        let keys = [16, 17];
        assert_eq!(
            run(&keys, &[b"ab", &[16], &[17], b"c"]),
            (b"ab".to_vec(), Typed::Detach)
        );
        assert_eq!(run(&keys, &[b"ab\x10\x11c"]), (b"ab".to_vec(), Typed::Detach));
        assert_eq!(run(&keys, &[&[16, 16], &[17]]), (vec![16], Typed::Detach));
    }

    #[test]
    fn passes_on_what_only_began() {
        assert_eq!(
            run(&[16, 17], &[b"a\x10", b"b\x11"]),
            (b"a\x10b\x11".to_vec(), Typed::Text)
        );
        assert_eq!(run(&[16, 17], &[&[16]]), (vec![16], Typed::Text));
        assert_eq!(run(b"aab", &[b"aaab"]), (b"a".to_vec(), Typed::Detach));
        assert_eq!(run(b"", &[b"\x10\x11"]), (b"\x10\x11".to_vec(), Typed::Text));
    }

    proptest! {
        #[test]
        fn agrees_with_a_search(input in "[ab]{0,20}", keys in "[ab]{1,4}", cut in 0usize..20) {
            let bytes = input.as_bytes();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let expected = match input.find(&keys) {
                Some(at) => (bytes[..at].to_vec(), Typed::Detach),
                None => (bytes.to_vec(), Typed::Text),
            };
            prop_assert_eq!(run(keys.as_bytes(), &[first, second]), expected);
        }
    }
}
