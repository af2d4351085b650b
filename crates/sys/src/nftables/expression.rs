//! The parts of a rule. Each loads a register, compares one, or acts; a comparison that fails ends the rule.

use crate::netlink::message::Messages;

/// A register of four bytes, 0 to 15; wider values take several in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register(pub u8);

impl Register {
    fn number(self) -> u32 {
        8 + u32::from(self.0)
    }
}

/// One part of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Load a property of the packet.
    Meta(Meta, Register),
    /// Load bytes of a header.
    Payload {
        /// Which header.
        header: Header,
        /// First byte.
        offset: u32,
        /// How many.
        length: u32,
        /// Where to.
        to: Register,
    },
    /// Load a property of the connection.
    Connection(Connection, Register),
    /// Load what kind of address the destination is to the host's routing: 2 is local.
    DestinationKind(Register),
    /// And a register with a mask, in place.
    Mask(Register, Vec<u8>),
    /// Go on if the register has the value.
    Equal(Register, Vec<u8>),
    /// Go on if the register has another value.
    NotEqual(Register, Vec<u8>),
    /// Go on if the set has the key.
    InSet(String, Register),
    /// Go on unless the set has the key.
    NotInSet(String, Register),
    /// Go on with the value that the map has for the key, if it has the key.
    MapTo {
        /// The map.
        map: String,
        /// The key.
        key: Register,
        /// Where the value goes.
        value: Register,
    },
    /// Add the key to the set, which must be a [`super::batch::ValueKind::Remembered`] one; go on in any case
    /// but a full set's.
    Remember(String, Register),
    /// Do what the map has for the key, if it has the key.
    MapVerdict(String, Register),
    /// Rewrite destination address and port.
    RewriteDestination {
        /// NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10).
        family: u8,
        /// The address.
        address: Register,
        /// The port.
        port: Register,
    },
    /// Rewrite the source address.
    RewriteSource {
        /// NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10).
        family: u8,
        /// The address.
        address: Register,
    },
    /// Load a value.
    Value(Register, Vec<u8>),
    /// Write a register into a transport header's port and mend the header's checksum.
    RewritePort {
        /// First byte of the port in the header.
        offset: u32,
        /// First byte of the checksum in the header.
        checksum_offset: u32,
        /// The port, network byte order.
        from: Register,
    },
    /// Let no connection be remembered for the packet.
    Untrack,
    /// Rewrite the source address to the one of the link on which the packet leaves.
    Masquerade,
    /// End with this.
    End(Verdict),
}

/// Properties of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    /// 2 for IPv4, 10 for IPv6; one byte.
    Family,
    /// Transport protocol; one byte.
    Protocol,
    /// What an Ethernet frame carries; two bytes, network byte order.
    EtherType,
    /// Name of the link it came in by; 16 bytes.
    InputName,
    /// Name of the link it leaves by; 16 bytes.
    OutputName,
    /// Group of the link it came in by; four bytes, machine's order.
    InputGroup,
    /// Group of the link it leaves by.
    OutputGroup,
    /// Kind of the link it came in by; 16 bytes.
    InputKind,
    /// Kind of the link it leaves by; 16 bytes.
    OutputKind,
}

impl Meta {
    fn number(self) -> u32 {
        match self {
            Self::Family => 15,
            Self::Protocol => 16,
            Self::EtherType => 1,
            Self::InputName => 6,
            Self::OutputName => 7,
            Self::InputGroup => 21,
            Self::OutputGroup => 22,
            Self::InputKind => 26,
            Self::OutputKind => 27,
        }
    }
}

/// Headers of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// IP.
    Network,
    /// TCP, UDP.
    Transport,
}

/// Properties of a connection; four bytes, machine's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// State bits: [`STATE_ESTABLISHED`], [`STATE_RELATED`].
    State,
    /// Status bits: [`STATUS_DESTINATION_REWRITTEN`].
    Status,
}

/// Both sides have spoken.
pub const STATE_ESTABLISHED: u32 = 0x2;
/// It belongs to another connection.
pub const STATE_RELATED: u32 = 0x4;
/// The destination of the connection's first packet was rewritten.
pub const STATUS_DESTINATION_REWRITTEN: u32 = 0x20;

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passes this base chain.
    Accept,
    /// It is gone.
    Drop,
    /// Go on behind the jump.
    Return,
    /// Go through another chain, then go on here.
    Jump(String),
}

impl Verdict {
    pub(super) fn code(&self) -> u32 {
        match self {
            Self::Drop => 0,
            Self::Accept => 1,
            Self::Jump(_) => (-3i32).cast_unsigned(),
            Self::Return => (-5i32).cast_unsigned(),
        }
    }
}

/// Appends one expression to a rule's list.
pub(super) fn encode(list: &mut Messages, expression: &Expression) {
    list.nest(1, |element| {
        element
            .text(1, name(expression))
            .nest(2, |data| encode_data(data, expression));
    });
}

fn name(expression: &Expression) -> &'static str {
    match expression {
        Expression::Meta(..) => "meta",
        Expression::Payload { .. } | Expression::RewritePort { .. } => "payload",
        Expression::Untrack => "notrack",
        Expression::Connection(..) => "ct",
        Expression::DestinationKind(_) => "fib",
        Expression::Mask(..) => "bitwise",
        Expression::Equal(..) | Expression::NotEqual(..) => "cmp",
        Expression::InSet(..) | Expression::NotInSet(..) | Expression::MapTo { .. } | Expression::MapVerdict(..) => {
            "lookup"
        }
        Expression::Remember(..) => "dynset",
        Expression::RewriteDestination { .. } | Expression::RewriteSource { .. } => "nat",
        Expression::Masquerade => "masq",
        Expression::End(_) | Expression::Value(..) => "immediate",
    }
}

fn encode_data(data: &mut Messages, expression: &Expression) {
    match expression {
        Expression::Meta(key, to) => data.number_be(1, to.number()).number_be(2, key.number()),
        Expression::Payload {
            header,
            offset,
            length,
            to,
        } => {
            let base = match header {
                Header::Network => 1,
                Header::Transport => 2,
            };
            data.number_be(1, to.number())
                .number_be(2, base)
                .number_be(3, *offset)
                .number_be(4, *length)
        }
        Expression::Connection(key, to) => {
            let key = match key {
                Connection::State => 0,
                Connection::Status => 2,
            };
            data.number_be(1, to.number()).number_be(2, key)
        }
        // result: address type; flag: of the destination
        Expression::DestinationKind(to) => data.number_be(1, to.number()).number_be(2, 3).number_be(3, 2),
        Expression::Mask(register, mask) => encode_mask(data, *register, mask),
        Expression::Equal(register, value) => encode_compare(data, *register, 0, value),
        Expression::NotEqual(register, value) => encode_compare(data, *register, 1, value),
        // operation 0: add
        Expression::Remember(set, key) => data.text(1, set).number_be(3, 0).number_be(4, key.number()),
        Expression::InSet(set, key) => data.text(1, set).number_be(2, key.number()),
        // flag 1: inverted
        Expression::NotInSet(set, key) => data.text(1, set).number_be(2, key.number()).number_be(5, 1),
        Expression::MapTo { map, key, value } => data
            .text(1, map)
            .number_be(2, key.number())
            .number_be(3, value.number()),
        Expression::MapVerdict(map, key) => data.text(1, map).number_be(2, key.number()).number_be(3, 0),
        Expression::RewriteDestination { family, address, port } => {
            data.number_be(1, 1).number_be(2, u32::from(*family));
            data.number_be(3, address.number()).number_be(5, port.number())
        }
        Expression::RewriteSource { family, address } => {
            data.number_be(1, 0).number_be(2, u32::from(*family));
            data.number_be(3, address.number())
        }
        Expression::Masquerade | Expression::Untrack => data,
        Expression::Value(to, value) => data.number_be(1, to.number()).nest(2, |inner| {
            inner.attribute(1, value);
        }),
        Expression::RewritePort {
            offset,
            checksum_offset,
            from,
        } => {
            data.number_be(2, 2).number_be(3, *offset).number_be(4, 2);
            // checksum of the internet kind
            data.number_be(5, from.number())
                .number_be(6, 1)
                .number_be(7, *checksum_offset)
        }
        Expression::End(verdict) => {
            data.number_be(1, 0).nest(2, |inner| encode_verdict(inner, verdict));
            data
        }
    };
}

fn encode_mask<'m>(data: &'m mut Messages, register: Register, mask: &[u8]) -> &'m mut Messages {
    let length = u32::try_from(mask.len()).expect("registers are short");
    data.number_be(1, register.number())
        .number_be(2, register.number())
        .number_be(3, length);
    data.nest(4, |inner| {
        inner.attribute(1, mask);
    });
    data.nest(5, |inner| {
        inner.attribute(1, &vec![0; mask.len()]);
    })
}

fn encode_compare<'m>(data: &'m mut Messages, register: Register, operation: u32, value: &[u8]) -> &'m mut Messages {
    data.number_be(1, register.number())
        .number_be(2, operation)
        .nest(3, |inner| {
            inner.attribute(1, value);
        })
}

/// Appends a verdict as NFTA_DATA_VERDICT.
pub(super) fn encode_verdict(data: &mut Messages, verdict: &Verdict) {
    data.nest(2, |inner| {
        inner.number_be(1, verdict.code());
        if let Verdict::Jump(chain) = verdict {
            inner.text(2, chain);
        }
    });
}
