//! Messages of D-Bus, as far as calls to the service manager need them (D-Bus specification, "Message Protocol").
//!
//! ```text
//! 'l' | kind | flags | 1 | body length u32 | serial u32 | fields a(yv), padded to 8 | body
//! ```
//! Values are aligned to their size, counted from the message's begin; a body begins at a multiple of 8. Pure.

use crate::plan::{Property, PropertyValue};

/// Longer messages than this are not the service manager's: its signals take hundreds of bytes.
const LONGEST: usize = 1 << 20;

/// The part whose length is fixed, with the length of the fields.
pub(super) const HEAD: usize = 16;

const CALL: u8 = 1;
const REPLY: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// A message that means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message of the service manager")]
pub struct Malformed;

/// Values on their way out.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn pad(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    pub(super) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn number(&mut self, value: u32) {
        self.pad(4);
        self.bytes.extend(value.to_le_bytes());
    }

    fn long(&mut self, value: u64) {
        self.pad(8);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.number(u32::from(value));
    }

    /// Text ends at a nul byte, if it has one: the protocol has none inside.
    pub(super) fn text(&mut self, value: &str) {
        let value = value.split('\0').next().unwrap_or_default();
        self.number(value.len() as u32);
        self.bytes.extend(value.as_bytes());
        self.byte(0);
    }

    fn signature(&mut self, value: &str) {
        self.byte(value.len() as u8);
        self.bytes.extend(value.as_bytes());
        self.byte(0);
    }

    /// An array of elements with this alignment.
    pub(super) fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.number(0);
        let length_at = self.bytes.len() - 4;
        self.pad(alignment);
        let begin = self.bytes.len();
        elements(self);
        let length = (self.bytes.len() - begin) as u32;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// `a(sv)`.
    pub(super) fn properties(&mut self, properties: &[Property]) {
        self.array(8, |writer| {
            for property in properties {
                writer.pad(8);
                writer.text(&property.name);
                writer.variant(&property.value);
            }
        });
    }

    fn variant(&mut self, value: &PropertyValue) {
        match value {
            PropertyValue::Bool(value) => {
                self.signature("b");
                self.boolean(*value);
            }
            PropertyValue::Number(value) => {
                self.signature("t");
                self.long(*value);
            }
            PropertyValue::Text(value) => {
                self.signature("s");
                self.text(value);
            }
            PropertyValue::Bytes(value) => {
                self.signature("ay");
                self.array(1, |writer| writer.bytes.extend(value));
            }
            PropertyValue::Processes(value) => {
                self.signature("au");
                self.array(4, |writer| value.iter().for_each(|&pid| writer.number(pid)));
            }
            PropertyValue::Devices(value) => {
                self.signature("a(ss)");
                self.array(8, |writer| {
                    for (device, access) in value {
                        writer.pad(8);
                        writer.text(device);
                        writer.text(access);
                    }
                });
            }
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Whom a call is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) destination: &'static str,
    pub(super) path: &'static str,
    pub(super) interface: &'static str,
}

/// A call with its arguments.
pub(super) fn call(target: Target, member: &str, serial: u32, signature: &str, body: Writer) -> Vec<u8> {
    let body = body.into_bytes();
    let mut message = Writer::default();
    for byte in [b'l', CALL, 0, 1] {
        message.byte(byte);
    }
    message.number(body.len() as u32);
    message.number(serial);
    message.array(8, |fields| {
        for (code, kind, value) in [
            (PATH, "o", target.path),
            (INTERFACE, "s", target.interface),
            (MEMBER, "s", member),
            (DESTINATION, "s", target.destination),
        ] {
            fields.pad(8);
            fields.byte(code);
            fields.signature(kind);
            fields.text(value);
        }
        if !signature.is_empty() {
            fields.pad(8);
            fields.byte(SIGNATURE);
            fields.signature("g");
            fields.signature(signature);
        }
    });
    message.pad(8);
    let mut bytes = message.into_bytes();
    bytes.extend(body);
    bytes
}

/// What came in, as far as anybody here cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// The answer to the call with this serial; its first text or object path.
    Reply { to: u32, text: Option<String> },
    /// Its failure: the error's name and what it says.
    Failure { to: u32, name: String, text: String },
    /// A job is over: its object path, its result.
    JobRemoved { job: String, result: String },
    /// Anything else.
    Other,
}

/// How many bytes follow the head.
pub(super) fn rest(head: &[u8; HEAD]) -> Result<usize, Malformed> {
    let mut reader = Reader { bytes: head, at: 4 };
    let (body, _serial, fields) = (reader.number()?, reader.number()?, reader.number()?);
    let fields = (fields as usize).next_multiple_of(8);
    let rest = fields.checked_add(body as usize).ok_or(Malformed)?;
    match head {
        [b'l', _, _, 1, ..] if rest <= LONGEST => Ok(rest),
        _ => Err(Malformed),
    }
}

/// A whole message.
pub(super) fn parse(message: &[u8]) -> Result<Incoming, Malformed> {
    let kind = *message.get(1).ok_or(Malformed)?;
    let mut reader = Reader { bytes: message, at: 12 };
    let length = reader.number()? as usize;
    let end = reader.at.checked_add(length).ok_or(Malformed)?;
    let (mut member, mut error, mut signature, mut to) = (String::new(), String::new(), String::new(), None);
    while reader.at < end {
        reader.pad(8);
        let code = reader.byte()?;
        match (code, reader.signature()?.as_str()) {
            (MEMBER, "s") => member = reader.text()?,
            (ERROR_NAME, "s") => error = reader.text()?,
            (REPLY_SERIAL, "u") => to = Some(reader.number()?),
            (SIGNATURE, "g") => signature = reader.signature()?,
            (_, "s" | "o") => drop(reader.text()?),
            (_, "u") => drop(reader.number()?),
            (_, "g") => drop(reader.signature()?),
            _ => return Err(Malformed),
        }
    }
    reader.pad(8);
    let text = |reader: &mut Reader<'_>| match signature.starts_with(['s', 'o']) {
        true => reader.text().map(Some),
        false => Ok(None),
    };
    Ok(match (kind, to) {
        (REPLY, Some(to)) => Incoming::Reply {
            to,
            text: text(&mut reader)?,
        },
        (ERROR, Some(to)) => Incoming::Failure {
            to,
            name: error,
            text: text(&mut reader)?.unwrap_or_default(),
        },
        (SIGNAL, _) if member == "JobRemoved" && signature == "uoss" => {
            reader.number()?;
            let job = reader.text()?;
            reader.text()?;
            Incoming::JobRemoved {
                job,
                result: reader.text()?,
            }
        }
        _ => Incoming::Other,
    })
}

struct Reader<'m> {
    bytes: &'m [u8],
    at: usize,
}

impl Reader<'_> {
    fn pad(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&[u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1)?.first().copied().ok_or(Malformed)
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        self.pad(4);
        let bytes = self.take(4)?.try_into().map_err(|_short| Malformed)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let length = self.number()? as usize;
        self.terminated(length)
    }

    fn signature(&mut self) -> Result<String, Malformed> {
        let length = self.byte()? as usize;
        self.terminated(length)
    }

    fn terminated(&mut self, length: usize) -> Result<String, Malformed> {
        let text = String::from_utf8(self.take(length)?.to_vec()).map_err(|_error| Malformed)?;
        self.byte()?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TARGET: Target = Target {
        destination: "a.b",
        path: "/a",
        interface: "a.b.C",
    };

    #[test]
    fn a_call_byte_for_byte() {
        let mut body = Writer::default();
        body.text("x");
        let message = call(TARGET, "Do", 7, "s", body);
        let mut wanted = b"l\x01\x00\x01\x06\x00\x00\x00\x07\x00\x00\x00\x4e\x00\x00\x00".to_vec();
        wanted.extend(b"\x01\x01o\x00\x02\x00\x00\x00/a\x00\x00\x00\x00\x00\x00");
        wanted.extend(b"\x02\x01s\x00\x05\x00\x00\x00a.b.C\x00\x00\x00");
        wanted.extend(b"\x03\x01s\x00\x02\x00\x00\x00Do\x00\x00\x00\x00\x00\x00");
        wanted.extend(b"\x06\x01s\x00\x03\x00\x00\x00a.b\x00\x00\x00\x00\x00");
        wanted.extend(b"\x08\x01g\x00\x01s\x00\x00");
        wanted.extend(b"\x01\x00\x00\x00x\x00");
        // The fields' length has no padding at its end.
        wanted[12] = u8::try_from(wanted.len() - 6 - HEAD - 1).unwrap();
        assert_eq!(message, wanted);
        assert_eq!(rest(message[..HEAD].try_into().unwrap()), Ok(message.len() - HEAD));
    }

    #[test]
    fn properties_are_aligned() {
        let mut writer = Writer::default();
        let property = |name: &str, value| Property {
            name: name.to_owned(),
            value,
        };
        writer.properties(&[
            property("A", PropertyValue::Bool(true)),
            property("B", PropertyValue::Number(2)),
            property("C", PropertyValue::Processes(vec![3])),
            property("D", PropertyValue::Devices(vec![("c".into(), "rw".into())])),
            property("E", PropertyValue::Bytes(vec![5])),
        ]);
        let mut wanted = b"\x7c\x00\x00\x00\x00\x00\x00\x00".to_vec();
        wanted.extend(b"\x01\x00\x00\x00A\x00\x01b\x00\x00\x00\x00\x01\x00\x00\x00");
        wanted.extend(b"\x01\x00\x00\x00B\x00\x01t\x00\x00\x00\x00\x00\x00\x00\x00");
        wanted.extend(b"\x02\x00\x00\x00\x00\x00\x00\x00");
        wanted.extend(b"\x01\x00\x00\x00C\x00\x02au\x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00");
        wanted.extend(b"\x01\x00\x00\x00D\x00\x05a(ss)\x00\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00");
        wanted.extend(b"\x01\x00\x00\x00c\x00\x00\x00\x02\x00\x00\x00rw\x00\x00");
        wanted.extend(b"\x01\x00\x00\x00E\x00\x02ay\x00\x00\x00\x01\x00\x00\x00\x05");
        wanted[0] = u8::try_from(wanted.len() - 8).unwrap();
        assert_eq!(writer.into_bytes(), wanted);
    }

    fn incoming(kind: u8, fields: impl FnOnce(&mut Writer), body: Writer) -> Vec<u8> {
        let body = body.into_bytes();
        let mut message = Writer::default();
        [b'l', kind, 0, 1].into_iter().for_each(|byte| message.byte(byte));
        message.number(body.len() as u32);
        message.number(9);
        message.array(8, fields);
        message.pad(8);
        let mut bytes = message.into_bytes();
        bytes.extend(body);
        bytes
    }

    fn field(writer: &mut Writer, code: u8, kind: &str, value: &str) {
        writer.pad(8);
        writer.byte(code);
        writer.signature(kind);
        match kind {
            "g" => writer.signature(value),
            "u" => writer.number(value.parse().unwrap()),
            _ => writer.text(value),
        }
    }

    #[test]
    fn answers_are_read() {
        let mut body = Writer::default();
        body.text("/job/1");
        let reply = incoming(
            REPLY,
            |fields| {
                field(fields, REPLY_SERIAL, "u", "3");
                field(fields, SIGNATURE, "g", "o");
            },
            body,
        );
        let text = Some("/job/1".to_owned());
        assert_eq!(parse(&reply), Ok(Incoming::Reply { to: 3, text }));

        let mut body = Writer::default();
        body.number(1);
        for text in ["/job/1", "docker-x.scope", "done"] {
            body.text(text);
        }
        let signal = incoming(
            SIGNAL,
            |fields| {
                field(fields, PATH, "o", "/org");
                field(fields, MEMBER, "s", "JobRemoved");
                field(fields, SIGNATURE, "g", "uoss");
            },
            body,
        );
        let (job, result) = ("/job/1".to_owned(), "done".to_owned());
        assert_eq!(parse(&signal), Ok(Incoming::JobRemoved { job, result }));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_in_is_trusted(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&bytes));
            if let Some(head) = bytes.first_chunk::<HEAD>() {
                prop_assert!(rest(head).is_err() || rest(head).is_ok_and(|rest| rest <= LONGEST));
            }
        }

        #[test]
        fn a_cut_message_is_no_message(cut in 12usize..100) {
            let mut body = Writer::default();
            body.text("text");
            let message = incoming(ERROR, |fields| {
                field(fields, REPLY_SERIAL, "u", "3");
                field(fields, ERROR_NAME, "s", "a.b");
                field(fields, SIGNATURE, "g", "s");
            }, body);
            let cut = cut.min(message.len() - 1);
            prop_assert_eq!(parse(&message[..cut]), Err(Malformed));
        }
    }
}
