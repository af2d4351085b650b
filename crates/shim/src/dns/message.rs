//! DNS messages, as far as a resolver for names of containers needs them (RFC 1035, 6891). Pure.
//!
//! ```text
//! id u16 | flags u16 | counts u16 x 4 | question: labels, type u16, class u16 | records ...
//! ```
//! A question with a compressed name, more than one question, or anything that does not end where it says
//! is malformed. Questions that are passed on are passed on as they are but for the id.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Length of the header in bytes.
pub const HEADER_BYTES: usize = 12;
/// Longest answer over UDP for a client that does not say more.
const PLAIN_LIMIT_BYTES: usize = 512;
/// Longest answer over UDP that is given, whatever the client says: what an Ethernet frame surely carries.
const DATAGRAM_LIMIT_BYTES: usize = 1232;
/// How long an answer may be remembered, in seconds (observed: dockerd 28.5).
const TTL_SECONDS: u32 = 600;

const ANSWER: u16 = 0x8000;
const OPERATION: u16 = 0x7800;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const CODE: u16 = 0x000f;

const TYPE_A: u16 = 1;
const TYPE_POINTER: u16 = 12;
const TYPE_AAAA: u16 = 28;
const TYPE_OPTIONS: u16 = 41;
const TYPE_ANY: u16 = 255;
const CLASS_INTERNET: u16 = 1;

/// Codes of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It went well.
    NoError = 0,
    /// The question is malformed.
    FormatError = 1,
    /// Nobody could be asked.
    ServerFailure = 2,
    /// That is not done here.
    NotImplemented = 4,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    Four,
    /// IPv6 addresses.
    Six,
    /// Addresses of both families.
    Any,
    /// The name of an address.
    Pointer,
    /// Something else.
    Other,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The client's number for it.
    pub id: u16,
    flags: u16,
    /// The name without the last dot; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What is asked for.
    pub kind: Kind,
    /// Behind the question's last byte.
    question_end: usize,
    /// What the client takes over UDP, if it says so.
    payload_bytes: Option<u16>,
}

/// The message is no question; an answer with the code can be made of it, if it has a header at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed or unknown question")]
pub struct QueryError {
    /// What to answer; `None`: nothing, it may be an answer itself.
    pub code: Option<Code>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An address of the name.
    Address(IpAddr),
    /// The name of the address.
    Name(String),
}

impl Query {
    /// Reads a question.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(message: &[u8]) -> Result<Self, QueryError> {
        let refuse = |code| QueryError { code: Some(code) };
        let number = |at: usize| number(message, at);
        let (Some(id), Some(flags), Some(questions)) = (number(0), number(2), number(4)) else {
            return Err(QueryError { code: None });
        };
        if flags & ANSWER != 0 {
            return Err(QueryError { code: None });
        }
        if flags & OPERATION != 0 {
            return Err(refuse(Code::NotImplemented));
        }
        if questions != 1 || message.len() < HEADER_BYTES {
            return Err(refuse(Code::FormatError));
        }
        let (name, end) = read_name(message, HEADER_BYTES).ok_or(refuse(Code::FormatError))?;
        let (Some(kind), Some(class)) = (number(end), number(end + 2)) else {
            return Err(refuse(Code::FormatError));
        };
        let kind = match (class, kind) {
            (CLASS_INTERNET, TYPE_A) => Kind::Four,
            (CLASS_INTERNET, TYPE_AAAA) => Kind::Six,
            (CLASS_INTERNET, TYPE_POINTER) => Kind::Pointer,
            (CLASS_INTERNET, TYPE_ANY) => Kind::Any,
            _ => Kind::Other,
        };
        let question_end = end + 4;
        Ok(Self {
            id,
            flags,
            name,
            kind,
            question_end,
            payload_bytes: payload(message, question_end),
        })
    }

    /// The address that a question for a name of an address means.
    #[must_use]
    pub fn reversed(&self) -> Option<IpAddr> {
        let name = self.name.to_ascii_lowercase();
        if let Some(rest) = name.strip_suffix(".in-addr.arpa") {
            let mut octets = [0; 4];
            let mut labels = rest.split('.');
            for octet in octets.iter_mut().rev() {
                *octet = labels.next()?.parse().ok()?;
            }
            return labels.next().is_none().then_some(IpAddr::V4(Ipv4Addr::from(octets)));
        }
        let mut bits = 0u128;
        let mut count = 0u32;
        for label in name.strip_suffix(".ip6.arpa")?.split('.') {
            let digit = u128::from(char::from(*label.as_bytes().first()?).to_digit(16)?);
            if label.len() != 1 || count == 32 {
                return None;
            }
            bits |= digit << (4 * count);
            count += 1;
        }
        (count == 32).then_some(IpAddr::V6(Ipv6Addr::from_bits(bits)))
    }

    /// The answer with these records, as long as the way back allows: cut, it says so, and the client asks again
    /// over TCP. `message` is what was parsed.
    #[must_use]
    pub fn answer(&self, message: &[u8], code: Code, records: &[Record], over: Over) -> Vec<u8> {
        let limit = match over {
            Over::Stream => usize::from(u16::MAX),
            Over::Datagram => {
                let said = self.payload_bytes.map_or(PLAIN_LIMIT_BYTES, usize::from);
                said.clamp(PLAIN_LIMIT_BYTES, DATAGRAM_LIMIT_BYTES)
            }
        };
        let mut answer = message[..self.question_end].to_vec();
        let options = self.payload_bytes.is_some();
        let room = limit.saturating_sub(if options { OPTIONS_BYTES } else { 0 });
        let mut count = 0u16;
        let mut cut = 0;
        for record in records {
            let before = answer.len();
            push_record(&mut answer, record);
            if answer.len() > room {
                answer.truncate(before);
                cut = TRUNCATED;
                break;
            }
            count += 1;
        }
        if options {
            push_options(&mut answer);
        }
        let authority = if records.is_empty() { 0 } else { AUTHORITATIVE };
        let flags = head_flags(self.flags) | authority | cut | code as u16;
        set(&mut answer, 2, flags);
        for (at, value) in [(4, 1), (6, count), (8, 0), (10, u16::from(options))] {
            set(&mut answer, at, value);
        }
        answer
    }
}

/// How an answer goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// UDP.
    Datagram,
    /// TCP.
    Stream,
}

/// The answer to what is no question: its header alone.
#[must_use]
pub fn refusal(message: &[u8], error: QueryError) -> Option<Vec<u8>> {
    let code = error.code?;
    let (id, flags) = (number(message, 0)?, number(message, 2)?);
    let mut answer = vec![0; HEADER_BYTES];
    set(&mut answer, 0, id);
    set(&mut answer, 2, head_flags(flags) | flags & OPERATION | code as u16);
    Some(answer)
}

/// Whether `message` answers what was asked under this number, and whether another server should be asked
/// because this one cannot tell.
#[must_use]
pub fn judge(message: &[u8], id: u16, question: &[u8]) -> Option<Judgement> {
    let flags = number(message, 2)?;
    if number(message, 0)? != id || flags & ANSWER == 0 {
        return None;
    }
    let asked = question.get(HEADER_BYTES..)?;
    // servers that refuse may leave the question out
    let echoed = message.get(HEADER_BYTES..)?;
    let same = number(message, 4)? == 0
        || read_name(message, HEADER_BYTES)
            .zip(read_name(question, HEADER_BYTES))
            .is_some_and(|((one, end), (other, _))| {
                let tail = end - HEADER_BYTES..end - HEADER_BYTES + 4;
                one.eq_ignore_ascii_case(&other) && echoed.get(tail.clone()) == asked.get(tail)
            });
    if !same {
        return None;
    }
    // server failure, not implemented, refused
    Some(if matches!(flags & CODE, 2 | 4 | 5) {
        Judgement::Unable
    } else {
        Judgement::Answered
    })
}

/// What a server's answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is passed back.
    Answered,
    /// Another server may know more.
    Unable,
}

/// Gives a message another number.
pub fn renumber(message: &mut [u8], id: u16) {
    if message.len() >= 2 {
        set(message, 0, id);
    }
}

fn head_flags(asked: u16) -> u16 {
    ANSWER | RECURSION_AVAILABLE | asked & RECURSION_DESIRED
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn set(message: &mut [u8], at: usize, value: u16) {
    message[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// The name at `at`, without its last dot, and the position behind it. At most 255 bytes, never compressed.
fn read_name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut name = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((String::from_utf8_lossy(&name).into_owned(), at));
        }
        if length > 63 || name.len() + length > 254 {
            return None;
        }
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(message.get(at..at + length)?);
        at += length;
    }
}

/// What an OPT record right behind the question says of the client's largest datagram.
fn payload(message: &[u8], at: usize) -> Option<u16> {
    let records = number(message, 6)?.checked_add(number(message, 8)?)?;
    let is_options = records == 0
        && number(message, 10)? > 0
        && message.get(at) == Some(&0)
        && number(message, at + 1) == Some(TYPE_OPTIONS);
    is_options.then(|| number(message, at + 3)).flatten()
}

const OPTIONS_BYTES: usize = 11;

fn push_options(answer: &mut Vec<u8>) {
    answer.push(0);
    answer.extend_from_slice(&TYPE_OPTIONS.to_be_bytes());
    let limit = u16::try_from(DATAGRAM_LIMIT_BYTES).expect("a datagram's length fits");
    answer.extend_from_slice(&limit.to_be_bytes());
    answer.extend_from_slice(&[0; 6]);
}

fn push_record(answer: &mut Vec<u8>, record: &Record) {
    let (kind, data) = match record {
        Record::Address(IpAddr::V4(four)) => (TYPE_A, four.octets().to_vec()),
        Record::Address(IpAddr::V6(six)) => (TYPE_AAAA, six.octets().to_vec()),
        Record::Name(name) => (TYPE_POINTER, write_name(name)),
    };
    // the question's name
    answer.extend_from_slice(&[0xc0, 0x0c]);
    answer.extend_from_slice(&kind.to_be_bytes());
    answer.extend_from_slice(&CLASS_INTERNET.to_be_bytes());
    answer.extend_from_slice(&TTL_SECONDS.to_be_bytes());
    answer.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
    answer.extend_from_slice(&data);
}

/// Labels that are too long are cut: nobody can have asked for them.
fn write_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        if bytes.len() + label.len() > 253 {
            break;
        }
        bytes.push(u8::try_from(label.len()).unwrap_or(0));
        bytes.extend_from_slice(label);
    }
    bytes.push(0);
    bytes
}

#[cfg(test)]
mod tests;
