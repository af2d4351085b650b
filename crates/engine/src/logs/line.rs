//! One line of a json-file log: `{"log":"text\n","stream":"stdout","time":"<RFC 3339>"}`, with an
//! optional `attrs` object before `time`. The usual shape is parsed by hand, anything else by
//! `serde_json`; both must agree. Pure; input is untrusted (a half-written or foreign file).

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use serde::Deserialize;

use super::entry::{Line, Part, Stream, Time};

/// The line in `bytes`, which has no line end of its own; `None` if it is not a log line.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Line<'_>> {
    usual(bytes).or_else(|| unusual(bytes))
}

/// The stream of a line without parsing it, for lines that are skipped anyway; a guess from the end.
fn usual(bytes: &[u8]) -> Option<Line<'_>> {
    let rest = bytes.strip_prefix(br#"{"log":""#)?;
    let (text, rest) = text(rest)?;
    let rest = rest.strip_prefix(br#","stream":"std"#)?;
    let (stream, rest) = match rest.strip_prefix(br#"out","time":""#) {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(br#"err","time":""#)?),
    };
    let end = memchr(b'"', rest)?;
    let time = str::from_utf8(&rest[..end]).ok()?;
    let closed = &rest[end..] == br#""}"# && !time.contains('\\') && valid(time.as_bytes());
    closed.then_some(Line {
        text,
        ends: false,
        stream,
        time: Time::Text(Cow::Borrowed(time)),
        part: Part::WHOLE,
    })
}

/// The JSON string at the start of `bytes` (behind its opening quote), and what follows its closing one.
fn text(bytes: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let first = memchr2(b'"', b'\\', bytes)?;
    if bytes[first] == b'"' {
        return valid(&bytes[..first]).then(|| (Cow::Borrowed(&bytes[..first]), &bytes[first + 1..]));
    }
    let mut text = Vec::with_capacity(first + 64);
    let mut rest = bytes;
    loop {
        let next = memchr2(b'"', b'\\', rest)?;
        let (plain, after) = rest.split_at(next);
        if !valid(plain) {
            return None;
        }
        text.extend_from_slice(plain);
        if after[0] == b'"' {
            return Some((Cow::Owned(text), &after[1..]));
        }
        let length = escape(after, &mut text)?;
        rest = &after[length..];
    }
}

/// Whether a piece of a JSON string needs no second look: no control characters, and UTF-8.
fn valid(plain: &[u8]) -> bool {
    plain.iter().all(|byte| *byte >= 0x20) && str::from_utf8(plain).is_ok()
}

/// Appends what the escape at the start of `bytes` stands for; returns its length. Surrogates are left
/// to the slow path.
fn escape(bytes: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    let byte = match bytes.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        plain @ (b'"' | b'\\' | b'/') => *plain,
        b'u' => {
            let digits = bytes
                .get(2..6)
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            let code = u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
            let mut buffer = [0; 4];
            text.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
            return Some(6);
        }
        _ => return None,
    };
    text.push(byte);
    Some(2)
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    log: String,
    #[serde(default)]
    stream: String,
    time: String,
}

fn unusual(bytes: &[u8]) -> Option<Line<'_>> {
    let record: Record = serde_json::from_slice(bytes).ok()?;
    let stream = if record.stream == "stderr" {
        Stream::Stderr
    } else {
        Stream::Stdout
    };
    Some(Line {
        text: Cow::Owned(record.log.into_bytes()),
        ends: false,
        stream,
        time: Time::Text(Cow::Owned(record.time)),
        part: Part::WHOLE,
    })
}

/// What a fuzzer calls: parsing never panics, and the two parsers agree wherever the first accepts.
pub fn fuzz(bytes: &[u8]) {
    if let Some(line) = usual(bytes) {
        assert_eq!(Some(line), unusual(bytes), "the parsers disagree");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_and_unusual_lines() {
        let line = parse(br#"{"log":"a\t\"b\u003c\n","stream":"stderr","time":"2024-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!((line.text.as_ref(), line.stream), (&b"a\t\"b<\n"[..], Stream::Stderr));
        let line =
            parse(br#"{"log":"x\ud83d\ude00\n","stream":"stdout","attrs":{"a":"b"},"time":"2024-01-01T00:00:00Z"}"#);
        assert_eq!(line.unwrap().text.as_ref(), "x😀\n".as_bytes());
        for bad in [
            &b""[..],
            b"{",
            b"{\"log\":\"",
            b"{\"log\":\"\\",
            b"\0\0\0",
            b"{\"log\":\"a\\u00",
            b"null",
        ] {
            assert_eq!(parse(bad), None);
            fuzz(bad);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in ".*", error in any::<bool>()) {
            let stream = if error { "stderr" } else { "stdout" };
            let time = "2024-01-01T00:00:00.123456789Z";
            let log = serde_json::to_string(&text).unwrap();
            let bytes = format!(r#"{{"log":{log},"stream":"{stream}","time":"{time}"}}"#).into_bytes();
            let line = parse(&bytes).unwrap();
            prop_assert_eq!(line.text.as_ref(), text.as_bytes());
            prop_assert_eq!(line.stream == Stream::Stderr, error);
            prop_assert_eq!(&line.time, &Time::Text(time.into()));
            fuzz(&bytes);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz(&bytes);
        }

        #[test]
        fn broken_lines_never_disagree(cut in 0usize..80, flip in 0usize..80, to in any::<u8>()) {
            let mut bytes = br#"{"log":"a\u0041\n\\","stream":"stdout","time":"2024-01-01T00:00:00Z"}"#.to_vec();
            if let Some(byte) = bytes.get_mut(flip) { *byte = to; }
            bytes.truncate(cut);
            fuzz(&bytes);
        }
    }
}
