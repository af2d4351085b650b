//! Sizes in bytes: read as `64m`, `1.5GiB` (always powers of 1024, as Docker's options mean them), and
//! written for people in powers of 1000 (`1.99MB`) or 1024 (`15.5GiB`).

const BINARY: [&str; 9] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
const DECIMAL: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];

/// The text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SizeError {
    #[error("invalid size: '{0}'")]
    Invalid(String),
    #[error("strconv.ParseFloat: parsing {0:?}: invalid syntax")]
    Number(String),
}

/// A size with an optional unit, in bytes.
pub(crate) fn parse(text: &str) -> Result<i64, SizeError> {
    let invalid = || SizeError::Invalid(text.to_owned());
    let end = text.rfind(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == ' ').ok_or_else(invalid)?;
    let (number, unit) = if text.as_bytes()[end] == b' ' {
        (&text[..end], &text[end + 1..])
    } else {
        text.split_at(end + 1)
    };
    let value: f64 = number.parse().map_err(|_| SizeError::Number(number.to_owned()))?;
    if value < 0.0 {
        return Err(invalid());
    }
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return Err(invalid()),
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, as a size beyond 8 EiB means no limit anyway")]
    Ok((value * 1024_f64.powi(power)) as i64)
}

/// Powers of 1000 with three significant digits: `1.99MB`.
pub(crate) fn human(bytes: i64) -> String {
    human_with(bytes, 3)
}

/// Powers of 1000 with as many significant digits as given.
pub(crate) fn human_with(bytes: i64, digits: usize) -> String {
    scaled(bytes, 1000.0, &DECIMAL, digits)
}

/// Powers of 1024 with four significant digits: `15.55GiB`.
pub(crate) fn binary(bytes: i64) -> String {
    scaled(bytes, 1024.0, &BINARY, 4)
}

fn scaled(bytes: i64, base: f64, units: &[&str; 9], digits: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with at most four digits")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= base && unit < units.len() - 1 {
        value /= base;
        unit += 1;
    }
    format!("{}{}", general(value, digits), units[unit])
}

/// C's `%.Ng`: that many significant digits, trailing zeros dropped, an exponent when the number is
/// longer than its digits.
pub(crate) fn general(value: f64, digits: usize) -> String {
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').expect("the format writes an exponent");
    let exponent: i32 = exponent.parse().expect("the format writes a number");
    let digits = i32::try_from(digits).expect("a handful of digits");
    if exponent < -4 || exponent >= digits {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(digits - 1 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}")).to_owned()
}

fn trim(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, bytes) in
            [("0", 0), ("64m", 64 << 20), ("1.5GiB", 3 << 29), ("32 kB", 32 << 10), ("5b", 5), ("1P", 1 << 50)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "m", "1x", "-1", "1mib2", "1 mbb"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("x").unwrap_err().to_string(), "invalid size: 'x'");
    }

    #[test]
    fn writes_sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1_990_123, "1.99MB"),
            (142_000_000, "142MB"),
            (999_900_000, "1e+03MB"),
            (1_240_000_000, "1.24GB"),
        ] {
            assert_eq!(human(bytes), text);
        }
        assert_eq!(binary(16_697_315_328), "15.55GiB");
        assert_eq!(human_with(10_485_760, 4), "10.49MB");
    }
}
