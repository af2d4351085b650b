//! One line of the log (pure). Text: `time="..." level=info msg="..." key=value`; JSON: an object with the
//! same keys. Both as dockerd writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use corten_base::Timestamp;
use tracing::Level;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `--log-format text`.
    Text,
    /// `--log-format json`.
    Json,
}

/// A line before it is written.
#[derive(Debug)]
pub(super) struct Line {
    time: Timestamp,
    level: &'static str,
    message: String,
    fields: BTreeMap<&'static str, String>,
}

impl Line {
    pub(super) fn new(time: Timestamp, level: Level) -> Self {
        let level = match level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        Self {
            time,
            level,
            message: String::new(),
            fields: BTreeMap::new(),
        }
    }

    /// Adds a field; the one called `message` is the line's own text.
    pub(super) fn put(&mut self, name: &'static str, value: String) {
        if name == "message" {
            self.message = value;
        } else {
            self.fields.insert(name, value);
        }
    }

    /// The line with its end.
    pub(super) fn text(&self, format: Format) -> String {
        match format {
            Format::Text => self.plain(),
            Format::Json => self.json(),
        }
    }

    fn plain(&self) -> String {
        let mut text = format!(
            "time={:?} level={} msg={}",
            self.time.to_string(),
            self.level,
            quoted(&self.message)
        );
        for (name, value) in &self.fields {
            write!(text, " {name}={}", quoted(value)).expect("a string takes everything");
        }
        text.push('\n');
        text
    }

    fn json(&self) -> String {
        let mut all: BTreeMap<&str, &str> = self
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let time = self.time.to_string();
        all.extend([("level", self.level), ("msg", &self.message), ("time", &time)]);
        let mut text = serde_json::to_string(&all).expect("texts become JSON");
        text.push('\n');
        text
    }
}

/// As it is if it needs no quotes.
fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@^+".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        value.to_owned()
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_like_dockerd_s() {
        let mut line = Line::new(Timestamp::from_unix(5, 1_000_000), Level::WARN);
        line.put("message", "a \"b\"\nc".to_owned());
        line.put("host", "tcp://x".to_owned());
        line.put("error", "gone".to_owned());
        assert_eq!(
            line.text(Format::Text),
            "time=\"1970-01-01T00:00:05.001Z\" level=warning msg=\"a \\\"b\\\"\\nc\" error=gone host=\"tcp://x\"\n"
        );
        assert_eq!(
            line.text(Format::Json),
            "{\"error\":\"gone\",\"host\":\"tcp://x\",\"level\":\"warning\",\"msg\":\"a \\\"b\\\"\\nc\",\
             \"time\":\"1970-01-01T00:00:05.001Z\"}\n"
        );
    }
}
