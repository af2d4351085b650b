//! `--cpus`: a decimal number of processors, in billionths.

/// The text is no such number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecimalError {
    #[error("failed to parse {0} as a rational number")]
    Number(String),
    #[error("value is too precise")]
    Precise,
}

/// Billionths of a processor.
pub(crate) fn parse_nano(text: &str) -> Result<i64, DecimalError> {
    let fail = || DecimalError::Number(text.to_owned());
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !numeric(whole) || !numeric(fraction) {
        return Err(fail());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err(DecimalError::Precise);
    }
    let nano: i64 = format!("{whole}{fraction:0<9}").parse().map_err(|_| fail())?;
    Ok(sign * nano)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors() {
        assert_eq!(parse_nano("0.5"), Ok(500_000_000));
        assert_eq!(parse_nano("2"), Ok(2_000_000_000));
        assert_eq!(parse_nano(".25"), Ok(250_000_000));
        assert_eq!(parse_nano("1.0000000001"), Err(DecimalError::Precise));
        assert!(parse_nano("x").is_err());
        assert!(parse_nano("").is_err());
    }
}
