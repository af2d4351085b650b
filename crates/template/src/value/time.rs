//! `time.Time` and `time.Duration` as Go prints them. Times keep the offset they were written with.

/// Go's zero time.
pub(crate) const ZERO: &str = "0001-01-01T00:00:00Z";

/// A time for JSON: trailing zeros of a second's fraction go.
pub(crate) fn encoded(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let (clock, zone) = split_zone(&text);
    format!("{}{zone}", trimmed(clock))
}

/// A time as text: `2026-11-26 06:17:54.5 +0000 UTC`; an offset that is not UTC's is its own name.
pub(crate) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let (clock, zone) = split_zone(&text);
    let clock = trimmed(clock).replacen('T', " ", 1);
    if zone == "Z" || zone.is_empty() {
        return format!("{clock} +0000 UTC");
    }
    let offset = zone.replace(':', "");
    format!("{clock} {offset} {offset}")
}

/// Whether it is Go's zero time.
pub(crate) fn is_zero(text: &[u8]) -> bool {
    text == ZERO.as_bytes()
}

fn split_zone(text: &str) -> (&str, &str) {
    let date = text.find('T').unwrap_or(0);
    let at = text.get(date..).and_then(|clock| clock.find(['Z', '+', '-']));
    let at = at.map_or(text.len(), |at| date + at);
    text.split_at_checked(at).unwrap_or((text, ""))
}

fn trimmed(clock: &str) -> &str {
    if clock.contains('.') {
        clock.trim_end_matches('0').trim_end_matches('.')
    } else {
        clock
    }
}

/// A duration: `1h2m3.5s`, `1.5ms`, `0s`.
pub(crate) fn duration(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(size, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(size, 1_000_000)),
        _ => {
            let (minutes, rest) = (size / 60_000_000_000, size % 60_000_000_000);
            let seconds = fraction(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

fn fraction(size: u64, unit: u64) -> String {
    let (whole, part) = (size / unit, size % unit);
    if part == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let part = format!("{part:0width$}");
    format!("{whole}.{}", part.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_s_words() {
        assert_eq!(shown(b"2026-11-26T06:17:54.500Z"), "2026-11-26 06:17:54.5 +0000 UTC");
        assert_eq!(shown(b"2026-11-26T06:17:54+01:00"), "2026-11-26 06:17:54 +0100 +0100");
        assert_eq!(shown(ZERO.as_bytes()), "0001-01-01 00:00:00 +0000 UTC");
        assert_eq!(encoded(b"2026-11-26T06:17:54.000Z"), "2026-11-26T06:17:54Z");
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (30_000_000_000, "30s"),
            (-5_400_000_000_000, "-1h30m0s"),
            (61_001_000_000, "1m1.001s"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }
}
