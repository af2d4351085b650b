//! Encodes changes of the ruleset. Pure: a [`Batch`] is bytes until [`super::Netfilter::commit`].

use super::expression::{self, Expression, Verdict};
use super::{FAMILY_BRIDGE, FAMILY_INET};
use crate::netlink::message::{APPEND, CREATE, EXCLUSIVE, Messages, REQUEST};

const SUBSYSTEM: u16 = 10 << 8;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const NEW_TABLE: u16 = SUBSYSTEM;
pub(super) const GET_TABLE: u16 = SUBSYSTEM | 1;
const DELETE_TABLE: u16 = SUBSYSTEM | 2;
const NEW_CHAIN: u16 = SUBSYSTEM | 3;
pub(super) const GET_CHAIN: u16 = SUBSYSTEM | 4;
const DELETE_CHAIN: u16 = SUBSYSTEM | 5;
const NEW_RULE: u16 = SUBSYSTEM | 6;
const DELETE_RULE: u16 = SUBSYSTEM | 8;
const NEW_SET: u16 = SUBSYSTEM | 9;
const NEW_ELEMENT: u16 = SUBSYSTEM | 12;
pub(super) const GET_ELEMENT: u16 = SUBSYSTEM | 13;
const DELETE_ELEMENT: u16 = SUBSYSTEM | 14;

/// For nft(8), so that it shows names of links as such: tag 0, length 4, machine's byte order.
const KEY_IN_MACHINE_ORDER: [u8; 6] = [0, 4, 1, 0, 0, 0];
const SET_IS_MAP: u32 = 0x8;
const SET_IS_DYNAMIC: u32 = 0x20;
/// Elements that a set which packets add to can have; the kernel wants a limit.
const REMEMBERED_LIMIT: u32 = 1 << 20;
const DATA_IS_VERDICT: u32 = 0xffff_ff00;

/// Elements in one message: a nested attribute is shorter than 64 KiB.
const ELEMENTS_PER_MESSAGE: usize = 400;

/// Where packets enter a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookPoint {
    /// Before routing.
    Prerouting,
    /// To the host itself.
    Input,
    /// Through the host.
    Forward,
    /// From the host itself.
    Output,
    /// After routing.
    Postrouting,
}

impl HookPoint {
    fn number(self) -> u32 {
        match self {
            Self::Prerouting => 0,
            Self::Input => 1,
            Self::Forward => 2,
            Self::Output => 3,
            Self::Postrouting => 4,
        }
    }
}

/// How a base chain is hooked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hook {
    /// `filter` or `nat`.
    pub kind: &'static str,
    /// Where.
    pub point: HookPoint,
    /// Lower ones go first.
    pub priority: i32,
}

/// A chain, with what it contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// Where packets enter; `None`: only by jumps. A base chain's policy is accept.
    pub hook: Option<Hook>,
    /// Its rules in order.
    pub rules: Vec<Vec<Expression>>,
}

/// A set or map: what its keys and values are made of, for the kernel in bytes and for nft(8) in types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// Its name.
    pub name: String,
    /// The parts of the key.
    pub key: Vec<Part>,
    /// What keys lead to.
    pub value: ValueKind,
}

/// A part of a concatenated key or value; each takes whole words of four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A transport protocol's number.
    Protocol,
    /// A port, network byte order.
    Port,
    /// A link's name.
    Link,
}

impl Part {
    /// nft(8)'s number of the type, and the length in bytes.
    fn numbers(self) -> (u32, u32) {
        match self {
            Self::Ipv4 => (7, 4),
            Self::Ipv6 => (8, 16),
            Self::Protocol => (12, 1),
            Self::Port => (13, 2),
            Self::Link => (41, 16),
        }
    }
}

/// What the keys of a [`Map`] lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind {
    /// Nothing: it is a set.
    None,
    /// Nothing: it is a set that rules add to as packets pass.
    Remembered,
    /// Data.
    Parts(Vec<Part>),
    /// A verdict.
    Verdict,
}

/// What one key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    None,
    /// Data, each part padded to four bytes.
    Bytes(Vec<u8>),
    /// A verdict.
    Verdict(Verdict),
}

/// An element to add or delete: its key, each part padded to four bytes, and what it leads to.
pub type Entry = (Vec<u8>, Value);

/// Changes of one table that are carried out together.
#[derive(Debug, Clone)]
pub struct Batch {
    family: u8,
    table: String,
    messages: Messages,
    next_set: u32,
}

impl Batch {
    /// No change yet of an `inet` table.
    #[must_use]
    pub fn new(table: &str) -> Self {
        Self::of_family(FAMILY_INET, table)
    }

    /// No change yet of a `bridge` table, whose chains see what bridges move.
    #[must_use]
    pub fn of_bridges(table: &str) -> Self {
        Self::of_family(FAMILY_BRIDGE, table)
    }

    fn of_family(family: u8, table: &str) -> Self {
        let mut messages = Messages::new();
        boundary(&mut messages, BATCH_BEGIN);
        Self {
            family,
            table: table.to_owned(),
            messages,
            next_set: 1,
        }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.count() == 1
    }

    /// Makes the table unless it is there.
    pub fn add_table(&mut self) -> &mut Self {
        self.begin(NEW_TABLE, CREATE).number_be(2, 0);
        self
    }

    /// Deletes the table with all that is in it.
    pub fn delete_table(&mut self) -> &mut Self {
        self.begin(DELETE_TABLE, 0);
        self
    }

    /// Makes a chain unless it is there, without rules.
    pub fn add_chain(&mut self, chain: &Chain) -> &mut Self {
        let message = self.begin(NEW_CHAIN, CREATE);
        message.text(3, &chain.name);
        if let Some(hook) = &chain.hook {
            message.nest(4, |inner| {
                inner
                    .number_be(1, hook.point.number())
                    .number_be(2, hook.priority.cast_unsigned());
            });
            message.number_be(5, Verdict::Accept.code()).text(7, hook.kind);
        }
        self
    }

    /// Deletes all rules of a chain.
    pub fn clear_chain(&mut self, name: &str) -> &mut Self {
        self.begin(DELETE_RULE, 0).text(2, name);
        self
    }

    /// Deletes a chain that has no rules and that nothing jumps to.
    pub fn delete_chain(&mut self, name: &str) -> &mut Self {
        self.begin(DELETE_CHAIN, 0).text(3, name);
        self
    }

    /// Appends a chain's rules.
    pub fn add_rules(&mut self, chain: &Chain) -> &mut Self {
        for rule in &chain.rules {
            self.begin(NEW_RULE, CREATE | APPEND)
                .text(2, &chain.name)
                .nest(4, |list| {
                    for expression in rule {
                        expression::encode(list, expression);
                    }
                });
        }
        self
    }

    /// Makes a set or map unless it is there.
    pub fn add_map(&mut self, map: &Map) -> &mut Self {
        let id = self.next_set;
        self.next_set += 1;
        let (key_type, key_length) = concatenated(&map.key);
        let flags = match map.value {
            ValueKind::None => 0,
            ValueKind::Remembered => SET_IS_DYNAMIC,
            ValueKind::Parts(_) | ValueKind::Verdict => SET_IS_MAP,
        };
        let message = self.begin(NEW_SET, CREATE);
        message
            .text(2, &map.name)
            .number_be(3, flags)
            .number_be(4, key_type)
            .number_be(5, key_length);
        match &map.value {
            ValueKind::None => {}
            ValueKind::Remembered => {
                message.nest(9, |description| {
                    description.number_be(1, REMEMBERED_LIMIT);
                });
            }
            ValueKind::Verdict => {
                message.number_be(6, DATA_IS_VERDICT);
            }
            ValueKind::Parts(parts) => {
                let (data_type, data_length) = concatenated(parts);
                message.number_be(6, data_type).number_be(7, data_length);
            }
        }
        message.number_be(10, id);
        if map.key == [Part::Link] {
            message.attribute(13, &KEY_IN_MACHINE_ORDER);
        }
        self
    }

    /// Adds elements; those that are there with the same value are left, with another one refused.
    pub fn add_elements(&mut self, map: &str, elements: &[Entry]) -> &mut Self {
        self.elements(NEW_ELEMENT, CREATE, map, elements)
    }

    /// Adds elements; those that are there are refused.
    pub fn add_new_elements(&mut self, map: &str, elements: &[Entry]) -> &mut Self {
        self.elements(NEW_ELEMENT, CREATE | EXCLUSIVE, map, elements)
    }

    /// Deletes elements; those that are not there are refused.
    pub fn delete_elements(&mut self, map: &str, elements: &[Entry]) -> &mut Self {
        self.elements(DELETE_ELEMENT, 0, map, elements)
    }

    /// Deletes all elements of a set or map that is not bound to be empty already.
    pub fn clear_map(&mut self, map: &str) -> &mut Self {
        self.begin(DELETE_ELEMENT, 0).text(2, map);
        self
    }

    fn elements(&mut self, kind: u16, flags: u16, map: &str, elements: &[Entry]) -> &mut Self {
        for part in elements.chunks(ELEMENTS_PER_MESSAGE) {
            self.begin(kind, flags).text(2, map).nest(3, |list| {
                for (key, value) in part {
                    list.nest(1, |element| encode_element(element, key, value));
                }
            });
        }
        self
    }

    /// Starts a message about the table; attribute 1 of every kind is its name.
    fn begin(&mut self, kind: u16, flags: u16) -> &mut Messages {
        let table = self.table.clone();
        header(&mut self.messages, kind, REQUEST | flags, self.family).text(1, &table)
    }

    /// The finished messages; the last real one is asked to acknowledge, which the kernel does after it
    /// has committed.
    pub(super) fn finish(mut self) -> Messages {
        self.messages.add_flags(crate::netlink::message::ACKNOWLEDGE);
        boundary(&mut self.messages, BATCH_END);
        self.messages
    }
}

pub(super) fn encode_element(element: &mut Messages, key: &[u8], value: &Value) {
    element.nest(1, |data| {
        data.attribute(1, key);
    });
    match value {
        Value::None => {}
        Value::Bytes(bytes) => {
            element.nest(2, |data| {
                data.attribute(1, bytes);
            });
        }
        Value::Verdict(verdict) => {
            element.nest(2, |data| expression::encode_verdict(data, verdict));
        }
    }
}

/// Type as nft(8) packs it, six bits a part, and length with each part padded to words; a single part
/// is not padded.
fn concatenated(parts: &[Part]) -> (u32, u32) {
    if let [only] = parts {
        return only.numbers();
    }
    parts.iter().fold((0, 0), |(packed, length), part| {
        let (number, bytes) = part.numbers();
        (packed << 6 | number, length + bytes.next_multiple_of(4))
    })
}

/// Starts a netfilter message with its `nfgenmsg`.
pub(super) fn header(messages: &mut Messages, kind: u16, flags: u16, family: u8) -> &mut Messages {
    messages.begin(kind, flags).put(&[family, 0, 0, 0])
}

fn boundary(messages: &mut Messages, kind: u16) {
    let [high, low] = (SUBSYSTEM >> 8).to_be_bytes();
    messages.begin(kind, REQUEST).put(&[0, 0, high, low]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message;

    #[test]
    fn concatenations_are_padded_and_packed() {
        assert_eq!(concatenated(&[Part::Link]), (41, 16));
        assert_eq!(concatenated(&[Part::Protocol, Part::Port]), (12 << 6 | 13, 8));
        assert_eq!(
            concatenated(&[Part::Ipv6, Part::Protocol, Part::Port]),
            ((8 << 6 | 12) << 6 | 13, 24)
        );
    }

    #[test]
    fn a_batch_is_framed_and_numbered() {
        let mut batch = Batch::new("corten");
        assert!(batch.is_empty());
        batch
            .add_table()
            .add_elements("ports", &[(vec![6, 0, 0, 0], Value::Bytes(vec![1, 2, 3, 4]))]);
        let bytes = batch.finish();
        let kinds: Vec<_> = message::messages(bytes.bytes()).map(|message| message.kind).collect();
        assert_eq!(kinds, [BATCH_BEGIN, NEW_TABLE, NEW_ELEMENT, BATCH_END]);
        let element = message::messages(bytes.bytes()).nth(2).expect("the element");
        assert_eq!(element.flags, REQUEST | CREATE | message::ACKNOWLEDGE);
        assert_eq!(
            message::find(&element.body[4..], 1).map(message::text).as_deref(),
            Some("corten")
        );
        assert_eq!(
            super::super::decode::elements(element.body).collect::<Vec<_>>().len(),
            1
        );
    }

    #[test]
    fn many_elements_take_several_messages() {
        let elements: Vec<_> = (0..1000u32).map(|n| (n.to_be_bytes().to_vec(), Value::None)).collect();
        let mut batch = Batch::new("corten");
        batch.add_elements("set", &elements);
        assert_eq!(batch.messages.count(), 4);
        let bytes = batch.finish();
        let found: usize = message::messages(bytes.bytes())
            .filter(|message| message.kind == NEW_ELEMENT)
            .map(|message| super::super::decode::elements(message.body).count())
            .sum();
        assert_eq!(found, 1000);
    }
}
