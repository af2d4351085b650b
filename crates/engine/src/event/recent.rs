//! The last events in memory, as they go over the wire: their bytes one behind the other in one buffer, because
//! thousands of small strings that stay for a while keep a page of the heap each. Bounded; the newest is always there.

use std::collections::VecDeque;

/// Most messages that are kept.
const MESSAGES_LIMIT: usize = 256;
/// Most bytes that are kept, but for one longer message.
const BYTES_LIMIT: usize = 128 << 10;

/// The last events with their numbers, which ascend by one.
#[derive(Debug)]
pub(crate) struct Recent {
    bytes: VecDeque<u8>,
    /// How long each message is, the oldest first.
    lengths: VecDeque<usize>,
    /// The number of the oldest; of the next one if there is none.
    first: u64,
}

/// What is there from a number on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The next messages.
    Messages(Vec<Vec<u8>>),
    /// That one is not here any more; this is the oldest.
    Older(u64),
    /// It has not happened yet.
    Nothing,
}

impl Recent {
    /// None yet; the first one will have this number.
    pub(crate) fn new(first: u64) -> Self {
        Self {
            bytes: VecDeque::new(),
            lengths: VecDeque::new(),
            first,
        }
    }

    /// The number of the next message.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.lengths.len() as u64
    }

    /// Adds a message and forgets what is too much.
    pub(crate) fn push(&mut self, message: &[u8]) {
        self.bytes.extend(message);
        self.lengths.push_back(message.len());
        while self.lengths.len() > MESSAGES_LIMIT || (self.bytes.len() > BYTES_LIMIT && self.lengths.len() > 1) {
            let length = self.lengths.pop_front().unwrap_or(0);
            self.bytes.drain(..length);
            self.first += 1;
        }
        if self.bytes.capacity() > 4 * BYTES_LIMIT && self.bytes.len() <= BYTES_LIMIT {
            self.bytes.shrink_to(BYTES_LIMIT);
        }
    }

    /// At most `limit` messages from `number` on.
    pub(crate) fn after(&self, number: u64, limit: usize) -> After {
        if number < self.first {
            return After::Older(self.first);
        }
        let passed = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        let mut begin: usize = self.lengths.iter().take(passed).sum();
        let lengths = self.lengths.iter().skip(passed).take(limit);
        let messages: Vec<Vec<u8>> = lengths
            .map(|length| {
                let message = self.bytes.range(begin..begin + length).copied().collect();
                begin += length;
                message
            })
            .collect();
        if messages.is_empty() {
            After::Nothing
        } else {
            After::Messages(messages)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_by_number() {
        let mut recent = Recent::new(7);
        assert_eq!((recent.after(7, 9), recent.next()), (After::Nothing, 7));
        for text in ["a", "", "ccc"] {
            recent.push(text.as_bytes());
        }
        let some = |texts: &[&str]| After::Messages(texts.iter().map(|text| text.as_bytes().to_vec()).collect());
        assert_eq!(recent.after(6, 9), After::Older(7));
        assert_eq!(recent.after(7, 9), some(&["a", "", "ccc"]));
        assert_eq!(recent.after(7, 2), some(&["a", ""]));
        assert_eq!(recent.after(9, 9), some(&["ccc"]));
        assert_eq!(recent.after(10, 9), After::Nothing);
        assert_eq!(recent.after(u64::MAX, 9), After::Nothing);
    }

    #[test]
    fn bounded_in_number_and_bytes() {
        let mut recent = Recent::new(0);
        for number in 0..1000_u32 {
            recent.push(number.to_string().as_bytes());
        }
        assert_eq!((recent.first, recent.next()), (1000 - 256, 1000));
        recent.push(&vec![0; 8 * BYTES_LIMIT]);
        assert_eq!((recent.first, recent.next()), (1000, 1001));
        recent.push(b"small");
        assert_eq!(recent.after(1001, 9), After::Messages(vec![b"small".to_vec()]));
        assert!(recent.bytes.capacity() <= 4 * BYTES_LIMIT);
    }
}
