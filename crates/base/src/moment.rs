//! `--since` and `--until`: a time span before now, a date, or seconds since 1970.

use crate::zone::Zone;
use crate::{Timestamp, duration};

/// The text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse value as time or duration: {0:?}")]
pub struct MomentError(String);

/// The time as the API takes it: seconds since 1970, with nanoseconds where they were given. Dates
/// without an offset are of `zone`.
///
/// # Errors
/// The text is no time, in Docker's words.
pub fn parse(text: &str, now: Timestamp, zone: &Zone) -> Result<String, MomentError> {
    let fail = || MomentError(text.to_owned());
    if let Ok(span) = duration::parse(text)
        && text != "0"
    {
        return Ok((now.unix_seconds() - span / 1_000_000_000).to_string());
    }
    if text.contains(['-', 'T']) && !text.starts_with('-') {
        let (complete, local) = complete(text).ok_or_else(fail)?;
        let time: Timestamp = complete.parse().map_err(|_| fail())?;
        let time = if local { zone.to_utc(time) } else { time };
        return Ok(format!("{}.{:09}", time.unix_seconds(), time.subsecond_nanos()));
    }
    let (seconds, nanos) = text.split_once('.').unwrap_or((text, "0"));
    if seconds.parse::<i64>().is_err() || nanos.parse::<u64>().is_err() {
        return Err(fail());
    }
    Ok(text.to_owned())
}

/// A date with the parts that were left out (`2024-01-02`, `2024-01-02T15`, `2024-01-02T15:04`, ...), and
/// whether its offset was among them.
fn complete(text: &str) -> Option<(String, bool)> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let clock = match clock.matches(':').count() {
        _ if clock.is_empty() => "00:00:00".to_owned(),
        0 => format!("{clock}:00:00"),
        1 => format!("{clock}:00"),
        2 => clock.to_owned(),
        _ => return None,
    };
    let local = zone.is_empty();
    Some((format!("{date}T{clock}{}", if local { "Z" } else { zone }), local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let now = Timestamp::from_unix(1000, 5);
        for (text, expected) in [
            ("10s", "990"),
            ("1m", "940"),
            ("1970-01-01T00:01:00Z", "60.000000000"),
            ("1970-01-01T00:01:00.5", "60.500000000"),
            ("1970-01-02", "86400.000000000"),
            ("1970-01-01T01", "3600.000000000"),
            ("1234", "1234"),
            ("1234.5", "1234.5"),
        ] {
            assert_eq!(parse(text, now, &Zone::utc()).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            parse("zzz", now, &Zone::utc()).unwrap_err().to_string(),
            "failed to parse value as time or duration: \"zzz\""
        );
        assert!(parse("2024-99-99", now, &Zone::utc()).is_err());
    }
}
