//! Sizes as Docker reads and writes them: written in powers of 1000 with four significant digits (`7.33kB`,
//! go-units `HumanSize`), read for memory limits in powers of 1024 (`512m`, go-units `RAMInBytes`).

/// The text is not a size. Displays as Docker's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSizeError {
    /// It has no number, or a negative one.
    #[error("invalid size: '{0}'")]
    Size(String),
    /// What is behind the number is no unit.
    #[error("invalid suffix: '{0}'")]
    Suffix(String),
}

/// `bytes` with a decimal unit and four significant digits.
#[must_use]
pub fn human(bytes: u64) -> String {
    human_digits(bytes, 4)
}

/// `bytes` with a decimal unit and `digits` significant digits (3 where tables show sizes).
#[must_use]
pub fn human_digits(bytes: u64, digits: usize) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    scaled(bytes, 1000.0, &UNITS, digits)
}

/// `bytes` with a binary unit and four significant digits (`BytesSize`).
#[must_use]
pub fn human_binary(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    scaled(bytes, 1024.0, &UNITS, 4)
}

#[expect(clippy::cast_precision_loss, reason = "at most four digits are shown")]
fn scaled(bytes: u64, base: f64, units: &[&str], digits: usize) -> String {
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= base && unit + 1 < units.len() {
        size /= base;
        unit += 1;
    }
    format!("{}{}", significant(size, digits), units[unit])
}

/// As C's `%.<digits>g` for values from 0 to 1024.
fn significant(value: f64, digits: usize) -> String {
    let whole = if value < 1.0 {
        1
    } else {
        value.log10().floor() as usize + 1
    };
    let mut text = format!("{value:.*}", digits.saturating_sub(whole));
    let rounded_up = text.bytes().take_while(u8::is_ascii_digit).count() > whole;
    if rounded_up {
        text = format!("{value:.*}", digits.saturating_sub(whole + 1));
    }
    if rounded_up && digits < whole + 1 {
        // Rounded to more digits than are shown: the exponent form of %g.
        return format!("1e+{:02}", whole);
    }
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Reads a size in powers of 1024: a number, perhaps with a fraction, and `b`, `k`, `m`, `g`, `t` or `p`, each
/// perhaps followed by `b` or `ib`, in any case.
///
/// # Errors
/// With Docker's message.
pub fn parse_binary(text: &str) -> Result<u64, ParseSizeError> {
    parse(text, 1024.0)
}

/// As [`parse_binary`] in powers of 1000, as the sizes of log files are given (go-units `FromHumanSize`).
///
/// # Errors
/// With Docker's message.
pub fn parse_decimal(text: &str) -> Result<u64, ParseSizeError> {
    parse(text, 1000.0)
}

fn parse(text: &str, base: f64) -> Result<u64, ParseSizeError> {
    let wrong = || ParseSizeError::Size(text.to_owned());
    let split = text.rfind(|c: char| c.is_ascii_digit() || c == '.').ok_or_else(wrong)? + 1;
    let (number, unit) = text.split_at(split);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let value: f64 = number.parse().map_err(|_| wrong())?;
    if !(value >= 0.0 && number.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
        return Err(wrong());
    }
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return Err(ParseSizeError::Suffix(unit)),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; checked to be positive"
    )]
    Ok((value * base.powi(power)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_go_units_does() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1024, "1.024kB"),
            (7_330, "7.33kB"),
            (123_456_789, "123.5MB"),
            (4_261_502, "4.262MB"),
        ] {
            assert_eq!(human(bytes), text);
        }
        assert_eq!(human_digits(117_000_123, 3), "117MB");
        assert_eq!(human_digits(999_999, 3), "1e+03kB");
        assert_eq!(human_binary(1_048_576), "1MiB");
    }

    #[test]
    fn read_as_go_units_does() {
        for (text, bytes) in [
            ("32", 32),
            ("32b", 32),
            ("32K", 32_768),
            ("0.5g", 536_870_912),
            ("1 MiB", 1_048_576),
        ] {
            assert_eq!(parse_binary(text), Ok(bytes), "{text}");
        }
        for bad in ["", "k", "-1", "1x", "1kbb", "1.2.3", "0x1", "inf"] {
            assert!(parse_binary(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn decimal_sizes_as_go_units_reads_them() {
        for (text, bytes) in [
            ("10m", 10_000_000),
            ("0", 0),
            ("1.5KB", 1500),
            ("7", 7),
            ("2 GiB", 2_000_000_000),
        ] {
            assert_eq!(parse_decimal(text), Ok(bytes), "{text}");
        }
        for (text, message) in [
            ("x", "invalid size: 'x'"),
            ("-1", "invalid size: '-1'"),
            ("10q", "invalid suffix: 'q'"),
        ] {
            assert_eq!(parse_decimal(text).unwrap_err().to_string(), message);
            assert_eq!(parse_binary(text).unwrap_err().to_string(), message);
        }
    }
}
