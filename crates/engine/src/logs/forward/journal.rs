//! Entries for the journal of systemd in its native protocol (pure; systemd JOURNAL_NATIVE_PROTOCOL): a datagram of
//! `KEY=value` lines, values with a line feed as key, length (u64, little endian) and bytes. Fields observed:
//! dockerd 28.5.

use std::collections::BTreeMap;

use crate::logs::entry::{Line, Stream, Time};

/// Where the journal listens.
pub(crate) const SOCKET: &str = "/run/systemd/journal/socket";

/// All that entries of one container have in common.
#[derive(Debug)]
pub(crate) struct Writer {
    common: Vec<u8>,
    /// Counts the entries since this writer began.
    ordinal: u64,
}

/// What is said of the container.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) image: &'a str,
    pub(crate) tag: &'a str,
    /// Labels and variables that were chosen.
    pub(crate) chosen: &'a BTreeMap<String, String>,
    /// Names this writer among all.
    pub(crate) epoch: &'a str,
}

impl Writer {
    pub(crate) fn new(container: &Container<'_>) -> Self {
        let short = container.id.get(..12).unwrap_or(container.id);
        let mut common = Vec::new();
        for (key, value) in [
            ("CONTAINER_ID", short),
            ("CONTAINER_ID_FULL", container.id),
            ("CONTAINER_NAME", container.name),
            ("CONTAINER_TAG", container.tag),
            ("IMAGE_NAME", container.image),
            ("SYSLOG_IDENTIFIER", container.tag),
            ("CONTAINER_LOG_EPOCH", container.epoch),
        ] {
            field(key, value.as_bytes(), &mut common);
        }
        for (key, value) in container.chosen {
            let key = sanitized(key);
            if !key.is_empty() {
                field(&key, value.as_bytes(), &mut common);
            }
        }
        Self { common, ordinal: 0 }
    }

    /// Appends the entry for a line.
    pub(crate) fn write(&mut self, line: &Line<'_>, to: &mut Vec<u8>) {
        self.ordinal += 1;
        let priority = match line.stream {
            Stream::Stdout => "6",
            Stream::Stderr => "3",
        };
        field("PRIORITY", priority.as_bytes(), to);
        field("MESSAGE", &line.text, to);
        to.extend_from_slice(&self.common);
        field("SYSLOG_TIMESTAMP", line.time.timestamp().to_string().as_bytes(), to);
        field("CONTAINER_LOG_ORDINAL", self.ordinal.to_string().as_bytes(), to);
        if line.part.ordinal > 0 {
            let nanos = match &line.time {
                Time::Nanos(nanos) => *nanos,
                Time::Text(_) => 0,
            };
            // As the shim makes them: all parts of a line have its first time.
            field("CONTAINER_PARTIAL_ID", format!("{nanos:064x}").as_bytes(), to);
            field(
                "CONTAINER_PARTIAL_ORDINAL",
                line.part.ordinal.to_string().as_bytes(),
                to,
            );
            field("CONTAINER_PARTIAL_LAST", line.part.last.to_string().as_bytes(), to);
            if !line.part.last {
                field("CONTAINER_PARTIAL_MESSAGE", b"true", to);
            }
        }
    }
}

fn field(key: &str, value: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(key.as_bytes());
    if value.contains(&b'\n') {
        to.push(b'\n');
        to.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        to.push(b'=');
    }
    to.extend_from_slice(value);
    to.push(b'\n');
}

/// The name of a label or variable as the journal takes it.
fn sanitized(name: &str) -> String {
    let allowed = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(allowed).collect();
    name.trim_start_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::entry::Part;

    fn written(text: &[u8], part: Part) -> Vec<String> {
        let chosen = [
            ("lab.el-x".to_owned(), "1".to_owned()),
            ("_._".to_owned(), "no".to_owned()),
        ]
        .into();
        let mut writer = Writer::new(&Container {
            id: "568d24241756ed385b7bf02bdc0c7afb8b704a6aa6b04843685c0c45b2227e0b",
            name: "c0",
            image: "busybox",
            tag: "t",
            chosen: &chosen,
            epoch: "e",
        });
        let line = Line {
            text: text.into(),
            ends: part.ordinal == 0,
            stream: Stream::Stderr,
            time: Time::Nanos(1_000_000_001),
            part,
        };
        let mut entry = Vec::new();
        writer.write(&line, &mut entry);
        let mut fields: Vec<String> = String::from_utf8(entry).unwrap().lines().map(str::to_owned).collect();
        fields.sort_unstable();
        fields
    }

    /// The fields that dockerd 28.5.2 sent.
    #[test]
    fn entries() {
        let usual = [
            "CONTAINER_ID=568d24241756",
            "CONTAINER_ID_FULL=568d24241756ed385b7bf02bdc0c7afb8b704a6aa6b04843685c0c45b2227e0b",
            "CONTAINER_LOG_EPOCH=e",
            "CONTAINER_LOG_ORDINAL=1",
            "CONTAINER_NAME=c0",
            "CONTAINER_TAG=t",
            "IMAGE_NAME=busybox",
            "LAB_EL_X=1",
            "MESSAGE=two",
            "PRIORITY=3",
            "SYSLOG_IDENTIFIER=t",
            "SYSLOG_TIMESTAMP=1970-01-01T00:00:01.000000001Z",
        ];
        assert_eq!(written(b"two", Part::WHOLE), usual);
        let part = written(
            b"two",
            Part {
                ordinal: 1,
                last: false,
            },
        );
        let more: Vec<&String> = part
            .iter()
            .filter(|field| field.starts_with("CONTAINER_PARTIAL"))
            .collect();
        let id = format!("CONTAINER_PARTIAL_ID={:064x}", 1_000_000_001);
        let expected = [
            &id,
            "CONTAINER_PARTIAL_LAST=false",
            "CONTAINER_PARTIAL_MESSAGE=true",
            "CONTAINER_PARTIAL_ORDINAL=1",
        ];
        assert_eq!(more, expected);
    }

    #[test]
    fn values_with_line_feeds_have_their_length() {
        let mut entry = Vec::new();
        field("A", b"x\ny", &mut entry);
        assert_eq!(entry, b"A\n\x03\0\0\0\0\0\0\0x\ny\n");
    }
}
