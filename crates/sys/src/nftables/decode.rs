//! Reads back what recovery and checks need: elements of maps, base chains.

use crate::netlink::message;

/// An element of a set or map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// Its key, each part padded to four bytes.
    pub key: Vec<u8>,
    /// What it leads to; empty for sets and verdicts.
    pub value: Vec<u8>,
}

/// A chain that packets enter at a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseChain {
    /// Family of its table: 1 inet, 2 ip, 7 bridge, 10 ip6.
    pub family: u8,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its hook: 2 is forward in the families inet, ip and ip6.
    pub hook: u32,
    /// What becomes of packets that no rule decides.
    pub policy: Policy,
}

/// What becomes of packets that no rule of a base chain decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// They pass.
    Accept,
    /// They are gone.
    Drop,
}

/// The elements in the body of one NFT_MSG_NEWSETELEM.
pub(super) fn elements(body: &[u8]) -> impl Iterator<Item = Element> {
    let list = body
        .get(4..)
        .and_then(|attributes| message::find(attributes, 3))
        .unwrap_or(&[]);
    message::attributes(list).filter_map(|(_, element)| {
        let key = message::find(message::find(element, 1)?, 1)?;
        let value = message::find(element, 2)
            .and_then(|data| message::find(data, 1))
            .unwrap_or(&[]);
        Some(Element {
            key: key.to_vec(),
            value: value.to_vec(),
        })
    })
}

/// The base chain in the body of one NFT_MSG_NEWCHAIN, if it is one.
pub(super) fn base_chain(body: &[u8]) -> Option<BaseChain> {
    let attributes = body.get(4..)?;
    let value = |kind| message::find(attributes, kind);
    let hook = message::find(value(4)?, 1).map(message::number_be)?;
    let policy = if value(5).map(message::number_be) == Some(0) {
        Policy::Drop
    } else {
        Policy::Accept
    };
    let (table, name) = (message::text(value(1)?), message::text(value(3)?));
    Some(BaseChain {
        family: body[0],
        table,
        name,
        hook,
        policy,
    })
}

/// Reads bytes as every kind of body there is.
#[cfg(test)]
pub(crate) fn garbage(bytes: &[u8]) -> Vec<Element> {
    drop(base_chain(bytes));
    elements(bytes).collect()
}
