//! Writes and reads netlink messages and attributes. Pure.

use std::net::IpAddr;

/// Bytes of a message header.
pub const HEADER_BYTES: usize = 16;

/// This message asks for something.
pub const REQUEST: u16 = 0x1;
/// Answer even when it succeeds.
pub const ACKNOWLEDGE: u16 = 0x4;
/// Tell all objects of the kind.
pub const DUMP: u16 = 0x300;
/// Make the object if it is not there.
pub const CREATE: u16 = 0x400;
/// Fail if it is there.
pub const EXCLUSIVE: u16 = 0x200;
/// Replace it if it is there.
pub const REPLACE: u16 = 0x100;
/// Put it behind those that are there (nftables rules).
pub const APPEND: u16 = 0x800;

/// Attribute flag: the value is made of attributes.
const NESTED: u16 = 0x8000;
/// Bits of an attribute's type that are not flags.
const TYPE_MASK: u16 = 0x3fff;

/// Messages that are sent together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages {
    bytes: Vec<u8>,
    start: usize,
    count: u32,
}

impl Messages {
    /// No message yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(512),
            start: 0,
            count: 0,
        }
    }

    /// How many messages there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The encoded messages. Sequence numbers are positions, from zero, until a socket sets them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts a message; what is put from now on belongs to it.
    pub fn begin(&mut self, kind: u16, flags: u16) -> &mut Self {
        self.start = self.bytes.len();
        self.put(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&self.count.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.count += 1;
        self.close();
        self
    }

    /// Adds flags to the message begun last.
    pub fn add_flags(&mut self, flags: u16) {
        let at = self.start + 6;
        let old = u16::from_ne_bytes([self.bytes[at], self.bytes[at + 1]]);
        self.bytes[at..at + 2].copy_from_slice(&(old | flags).to_ne_bytes());
    }

    /// Appends raw bytes, padded to four: a fixed header behind the message's.
    pub fn put(&mut self, raw: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(raw);
        self.pad();
        self.close();
        self
    }

    /// Appends an attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = u16::try_from(value.len() + 4).expect("attribute values are shorter than 64 KiB");
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.put(value)
    }

    /// Appends a number in the machine's byte order, as route netlink has them.
    pub fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// Appends a number in network byte order, as netfilter has them.
    pub fn number_be(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Appends a text with its final zero.
    pub fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let mut bytes = Vec::with_capacity(value.len() + 1);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
        self.attribute(kind, &bytes)
    }

    /// Appends an IP address, 4 or 16 bytes.
    pub fn address(&mut self, kind: u16, value: IpAddr) -> &mut Self {
        match value {
            IpAddr::V4(four) => self.attribute(kind, &four.octets()),
            IpAddr::V6(six) => self.attribute(kind, &six.octets()),
        }
    }

    /// Appends an attribute made of those that `inner` puts.
    pub fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Self)) -> &mut Self {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        inner(self);
        let length = u16::try_from(self.bytes.len() - at).expect("nested attributes are shorter than 64 KiB");
        self.bytes[at..at + 2].copy_from_slice(&length.to_ne_bytes());
        self.close();
        self
    }

    /// The same messages with sequence numbers counted from `first`.
    pub(crate) fn number_from(&mut self, first: u32) {
        let mut at = 0;
        for position in 0..self.count {
            self.bytes[at + 8..at + 12].copy_from_slice(&first.wrapping_add(position).to_ne_bytes());
            at += padded(word(&self.bytes[at..]) as usize);
        }
    }

    fn pad(&mut self) {
        self.bytes.resize(padded(self.bytes.len()), 0);
    }

    fn close(&mut self) {
        let length = u32::try_from(self.bytes.len() - self.start).expect("messages are shorter than 4 GiB");
        self.bytes[self.start..self.start + 4].copy_from_slice(&length.to_ne_bytes());
    }
}

/// A received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// Its type.
    pub kind: u16,
    /// Its flags.
    pub flags: u16,
    /// The number of the request it answers.
    pub sequence: u32,
    /// What follows the header.
    pub body: &'a [u8],
}

/// Splits what a socket received into messages; stops at the first malformed one.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Received<'_>> {
    std::iter::from_fn(move || {
        let length = word(bytes.get(..4)?) as usize;
        let message = bytes.get(..length).filter(|message| message.len() >= HEADER_BYTES)?;
        bytes = bytes.get(padded(length)..).unwrap_or(&[]);
        Some(Received {
            kind: half(&message[4..]),
            flags: half(&message[6..]),
            sequence: word(&message[8..]),
            body: &message[HEADER_BYTES..],
        })
    })
}

/// Splits bytes into attributes, type (without flags) and value; stops at the first malformed one.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(half(bytes.get(..2)?));
        let attribute = bytes.get(..length).filter(|attribute| attribute.len() >= 4)?;
        bytes = bytes.get(padded(length)..).unwrap_or(&[]);
        Some((half(&attribute[2..]) & TYPE_MASK, &attribute[4..]))
    })
}

/// The value of the first attribute of a type.
#[must_use]
pub fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes)
        .find(|&(found, _)| found == kind)
        .map(|(_, value)| value)
}

/// A text value without its final zero.
#[must_use]
pub fn text(value: &[u8]) -> String {
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

/// A number in the machine's byte order; zero if the value is too short.
#[must_use]
pub fn number(value: &[u8]) -> u32 {
    value.get(..4).map_or(0, word)
}

/// A number in network byte order; zero if the value is too short.
#[must_use]
pub fn number_be(value: &[u8]) -> u32 {
    number(value).to_be()
}

/// An IP address of 4 or 16 bytes.
#[must_use]
pub fn address(value: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(value) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(value).ok().map(IpAddr::from)
}

fn padded(length: usize) -> usize {
    length.div_ceil(4) * 4
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn half(bytes: &[u8]) -> u16 {
    u16::from_ne_bytes([bytes[0], bytes[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut written = Messages::new();
        written
            .begin(16, REQUEST)
            .put(&[0; 16])
            .text(3, "eth0")
            .nest(18, |inner| {
                inner.text(1, "veth").nest(2, |data| {
                    data.number(7, 9);
                });
            });
        written.begin(17, REQUEST).put(&[1, 2, 3]);
        written.add_flags(ACKNOWLEDGE);
        written.number_from(40);

        let read: Vec<_> = messages(written.bytes()).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].kind, read[0].flags, read[0].sequence), (16, REQUEST, 40));
        assert_eq!(
            (read[1].kind, read[1].flags, read[1].sequence),
            (17, REQUEST | ACKNOWLEDGE, 41)
        );
        assert_eq!(read[1].body, [1, 2, 3, 0]);
        let attributes = &read[0].body[16..];
        assert_eq!(find(attributes, 3).map(text).as_deref(), Some("eth0"));
        let data = find(find(attributes, 18).expect("nested"), 2).expect("nested twice");
        assert_eq!(find(data, 7).map(number), Some(9));
    }

    /// Whatever arrives, reading ends, within the bytes.
    #[test]
    fn garbage_is_survived() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        };
        for round in 0..20_000_usize {
            let bytes: Vec<u8> = (0..round % 97)
                .map(|at| if at % 4 == 0 { random() % 40 } else { random() % 3 })
                .collect();
            let walked: usize = messages(&bytes).map(|message| message.body.len() + HEADER_BYTES).sum();
            assert!(walked <= bytes.len());
            let walked: usize = attributes(&bytes).map(|(_, value)| value.len() + 4).sum();
            assert!(walked <= bytes.len());
            for element in crate::nftables::decode::garbage(&bytes) {
                assert!(element.key.len() + element.value.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn malformed_bytes_end_the_walk() {
        for bytes in [&[][..], &[1, 2, 3], &[255, 0, 0, 0, 1, 1, 1, 1], &[4, 0, 0, 0, 9, 9]] {
            assert_eq!(messages(bytes).count(), 0);
        }
        for bytes in [&[][..], &[0, 0, 1, 0], &[3, 0, 1, 0], &[9, 0, 1, 0, 1], &[1]] {
            assert_eq!(attributes(bytes).count(), 0);
        }
    }
}
