//! Records in the format of Docker's local log driver, read: what [`corten_shim::log::local`] draws and writes. Pure;
//! input is untrusted (a half-written or foreign file). Fields that are not known are skipped.

use std::borrow::Cow;

use super::entry::{Line, Part, Stream, Time};

/// The message inside a frame; `None` if it is none.
#[must_use]
pub fn parse(mut message: &[u8]) -> Option<Line<'_>> {
    let mut line = Line {
        text: Cow::Borrowed(&[]),
        ends: true,
        stream: Stream::Stdout,
        time: Time::Nanos(0),
        part: Part::WHOLE,
    };
    let mut partial = false;
    while !message.is_empty() {
        match field(&mut message)? {
            (1, Field::Bytes(source)) if source == b"stderr" => line.stream = Stream::Stderr,
            (2, Field::Number(nanos)) => line.time = Time::Nanos(nanos.cast_signed()),
            (3, Field::Bytes(text)) => line.text = Cow::Borrowed(text),
            (4, Field::Number(number)) => partial = number != 0,
            (5, Field::Bytes(inner)) => line.part = part(inner)?,
            _ => {}
        }
    }
    line.ends = !partial || line.part.last;
    Some(line)
}

fn part(mut message: &[u8]) -> Option<Part> {
    let mut part = Part::WHOLE;
    while !message.is_empty() {
        match field(&mut message)? {
            (1, Field::Number(number)) => part.last = number != 0,
            (3, Field::Number(number)) => part.ordinal = u32::try_from(number).ok()?,
            _ => {}
        }
    }
    Some(part)
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Skipped,
}

/// Takes one field off the front.
fn field<'a>(message: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(message)?;
    let value = match key & 7 {
        0 => Field::Number(varint(message)?),
        1 => take(message, 8).map(|_| Field::Skipped)?,
        2 => {
            let length = usize::try_from(varint(message)?).ok()?;
            Field::Bytes(take(message, length)?)
        }
        5 => take(message, 4).map(|_| Field::Skipped)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(taken)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(message, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_base::Timestamp;
    use corten_shim::log::{Stream as Written, local};
    use proptest::prelude::*;

    /// The bytes that dockerd 28.5 wrote for `printf c`.
    #[test]
    fn reads_what_docker_wrote() {
        let id = b"b5d6cf6a5cdce34d32f8a563c4e20dc92a46890c896844dd565559936be3ba71";
        let message = [
            b"\x0a\x06stdout\x10\xac\xa8\x8c\xe2\xc8\xc7\xe5\xf5\x18\x1a\x01c\x20\x01\x2a\x44\x12\x40".as_slice(),
            id,
            b"\x18\x01",
        ]
        .concat();
        let line = parse(&message).unwrap();
        assert_eq!(
            (line.text.as_ref(), line.ends, line.stream),
            (&b"c"[..], false, Stream::Stdout)
        );
        assert_eq!(
            line.part,
            Part {
                ordinal: 1,
                last: false
            }
        );
        assert_eq!(line.time.timestamp().to_string(), "2026-11-26T11:54:23.2326851Z");
        assert_eq!(parse(b"\x0a\xff"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            text in prop::collection::vec(any::<u8>(), 0..300),
            (seconds, nanos) in (0i64..4_000_000_000, 0u32..1_000_000_000),
            (ordinal, last, error) in (0u32..5, any::<bool>(), any::<bool>()),
        ) {
            let time = Timestamp::from_unix(seconds, nanos);
            let part = Part { ordinal, last: last && ordinal > 0 };
            let stream = if error { Written::Stderr } else { Written::Stdout };
            let (before, after) = text.split_at(text.len() / 3);
            let mut frame = Vec::new();
            local::encode(stream, time, [before, after], part, &mut frame);
            let line = parse(&frame[4..frame.len() - 4]).unwrap();
            prop_assert_eq!(line.text.as_ref(), &text[..]);
            prop_assert_eq!((line.part, line.time.timestamp()), (part, time));
            prop_assert_eq!(line.stream == Stream::Stderr, error);
            prop_assert_eq!(line.ends, ordinal == 0 || part.last);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            drop(parse(&bytes));
        }
    }
}
