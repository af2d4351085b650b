//! One record of a log, whatever format it was read from.

use std::borrow::Cow;

use corten_base::Timestamp;
pub use corten_shim::log::local::Part;

/// Which of the two streams a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Its number in Docker's frame header.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }
}

/// A parsed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// What the program wrote; with its line end if the format keeps that in the text.
    pub text: Cow<'a, [u8]>,
    /// A line end follows that is not in the text.
    pub ends: bool,
    /// Where it was written.
    pub stream: Stream,
    /// When.
    pub time: Time<'a>,
    /// What of a long line it is, where the format says so.
    pub part: Part,
}

/// When something was written, in the form its format has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Time<'a> {
    /// RFC 3339, as read.
    Text(Cow<'a, str>),
    /// Nanoseconds since 1970.
    Nanos(i64),
}

impl Time<'_> {
    /// The point in time; the zero time if the file holds nonsense there.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Text(text) => text.parse().unwrap_or_default(),
            Self::Nanos(nanos) => {
                let subsecond = nanos.rem_euclid(1_000_000_000);
                Timestamp::from_unix(nanos.div_euclid(1_000_000_000), u32::try_from(subsecond).unwrap_or(0))
            }
        }
    }

    /// With all nine digits of its fraction: what `--timestamps` prints.
    #[must_use]
    pub fn padded(&self) -> String {
        match self {
            Self::Text(text) => padded(text),
            Self::Nanos(_) => padded(&self.timestamp().to_string()),
        }
    }
}

fn padded(time: &str) -> String {
    let body = time.strip_suffix('Z').unwrap_or(time);
    match body.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<9}Z"),
        None => format!("{body}.000000000Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_both_forms() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_500_000_000, "1970-01-01T00:00:01.500000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(Time::Nanos(nanos).padded(), text);
        }
        assert_eq!(
            Time::Text("2024-01-01T00:00:00.5Z".into()).padded(),
            "2024-01-01T00:00:00.500000000Z"
        );
        assert_eq!(Time::Text("nonsense".into()).timestamp(), Timestamp::default());
    }
}
