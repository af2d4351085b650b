//! Number literals: the kinds of number each can stand for, as Go's own rules say. Complex ones are refused.

/// A literal with every reading of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    pub(crate) source: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
}

/// What is wrong with a literal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("illegal number syntax: {}", crate::quote::quote(.0.as_bytes(), false))]
    Syntax(String),
    #[error("integer overflow: {}", crate::quote::quote(.0.as_bytes(), false))]
    Overflow(String),
    #[error("malformed character constant: {0}")]
    Character(String),
    #[error("invalid syntax")]
    Escape,
    #[error("complex numbers are not supported: {0}")]
    Complex(String),
}

impl Number {
    /// A character constant `'x'` is its code.
    pub(crate) fn character(source: &str) -> Result<Self, NumberError> {
        let code = crate::quote::unquote_char(source).map_err(|several| {
            if several {
                NumberError::Character(source.to_owned())
            } else {
                NumberError::Escape
            }
        })?;
        Ok(Self {
            source: source.to_owned(),
            int: Some(i64::from(code)),
            uint: Some(u64::from(code)),
            float: Some(f64::from(code)),
        })
    }

    /// Reads a number.
    #[expect(clippy::cast_precision_loss, reason = "Go converts so too")]
    pub(crate) fn read(source: &str) -> Result<Self, NumberError> {
        if source.ends_with('i') && !source.contains(['x', 'X']) {
            return Err(NumberError::Complex(source.to_owned()));
        }
        let (negative, digits) = match source.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, source.strip_prefix('+').unwrap_or(source)),
        };
        let magnitude = unsigned(digits);
        let int = magnitude.and_then(|value| match negative {
            true => 0i64.checked_sub_unsigned(value),
            false => i64::try_from(value).ok(),
        });
        let uint = magnitude.filter(|value| !source.starts_with(['+', '-']) || (*value == 0 && int.is_some()));
        let number = Self {
            source: source.to_owned(),
            int,
            uint,
            float: int.map(|value| value as f64).or(uint.map(|value| value as f64)),
        };
        if number.float.is_some() {
            return Ok(number);
        }
        let Some(float) = float(digits).map(|value| if negative { -value } else { value }) else {
            return Err(NumberError::Syntax(source.to_owned()));
        };
        if !source.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(NumberError::Overflow(source.to_owned()));
        }
        Ok(Self {
            float: Some(float),
            int: whole(float),
            uint: whole_unsigned(float),
            ..number
        })
    }

    /// Whether it is written as a float, so that it is one where any number will do.
    pub(crate) fn looks_like_float(&self) -> bool {
        let source = &self.source;
        let hexadecimal = source.starts_with("0x") || source.starts_with("0X");
        let hexadecimal = hexadecimal && source.len() > 2 && !source.contains(['p', 'P']);
        self.float.is_some() && !hexadecimal && !source.starts_with('\'') && source.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "checked: the way back gives the same"
)]
fn whole(float: f64) -> Option<i64> {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    (fits && (float as i64) as f64 == float).then_some(float as i64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "checked: the way back gives the same"
)]
fn whole_unsigned(float: f64) -> Option<u64> {
    let fits = (0.0..18_446_744_073_709_551_616.0).contains(&float);
    (fits && (float as u64) as f64 == float).then_some(float as u64)
}

/// Digits with Go's prefixes: `0x`, `0o`, `0b`, and a bare leading zero for octal.
fn unsigned(digits: &str) -> Option<u64> {
    let prefix = digits.get(..2).unwrap_or_default().to_ascii_lowercase();
    let (base, rest) = match prefix.as_str() {
        "0x" => (16, digits.get(2..)?),
        "0o" => (8, digits.get(2..)?),
        "0b" => (2, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if rest.contains('_') && !underscores_fit(digits) {
        return None;
    }
    let plain = rest.replace('_', "");
    if plain.starts_with('+') || plain.is_empty() {
        return None;
    }
    u64::from_str_radix(&plain, base).ok()
}

/// Whether each underscore stands between digits, or between a base's prefix and a digit.
fn underscores_fit(digits: &str) -> bool {
    let mut letters = digits.chars().peekable();
    let mut before = '^';
    let prefix = digits.get(..2).unwrap_or_default().to_ascii_lowercase();
    let hexadecimal = prefix == "0x";
    if matches!(prefix.as_str(), "0x" | "0o" | "0b") {
        letters.next();
        letters.next();
        before = '0';
    }
    for letter in letters {
        let class = match letter {
            '0'..='9' => '0',
            'a'..='f' | 'A'..='F' if hexadecimal => '0',
            '_' if before != '0' => return false,
            '_' => '_',
            _ if before == '_' => return false,
            _ => '!',
        };
        before = class;
    }
    before != '_'
}

/// A float, decimal or hexadecimal; infinite ones are none.
fn float(digits: &str) -> Option<f64> {
    if digits.contains('_') && !underscores_fit(digits) {
        return None;
    }
    let plain = digits.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    if let Some(hexadecimal) = lower.strip_prefix("0x") {
        return hexadecimal_float(hexadecimal);
    }
    let starts = plain.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    let value: f64 = if starts { plain.parse().ok()? } else { return None };
    value.is_finite().then_some(value)
}

/// `1.8p-3`: the mantissa's digits are taken while they fit; what is cut off is below a double's precision.
#[expect(
    clippy::cast_precision_loss,
    reason = "a mantissa of more than 53 bits is rounded once"
)]
fn hexadecimal_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    let mut shift: i32 = 0;
    for (letter, behind) in whole
        .chars()
        .map(|letter| (letter, false))
        .chain(part.chars().map(|letter| (letter, true)))
    {
        let digit = u64::from(letter.to_digit(16)?);
        if value >> 56 == 0 {
            value = value << 4 | digit;
            shift -= if behind { 4 } else { 0 };
        } else {
            value |= u64::from(digit != 0);
            shift += if behind { 0 } else { 4 };
        }
    }
    let exponent: i32 = exponent.parse().ok()?;
    let result = value as f64 * 2f64.powi(exponent.clamp(-5000, 5000).saturating_add(shift));
    result.is_finite().then_some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading() {
        let table = [
            ("0", Some(0_i64), Some(0_u64), Some(0.0_f64)),
            ("-0", Some(0), Some(0), Some(0.0)),
            ("73", Some(73), Some(73), Some(73.0)),
            ("-73", Some(-73), None, Some(-73.0)),
            ("+73", Some(73), None, Some(73.0)),
            ("0x1F", Some(31), Some(31), Some(31.0)),
            ("0b101", Some(5), Some(5), Some(5.0)),
            ("0o17", Some(15), Some(15), Some(15.0)),
            ("017", Some(15), Some(15), Some(15.0)),
            ("1_000", Some(1000), Some(1000), Some(1000.0)),
            ("1e3", Some(1000), Some(1000), Some(1000.0)),
            ("1.5", None, None, Some(1.5)),
            ("-1e19", None, None, Some(-1e19)),
            ("1e19", None, Some(10_000_000_000_000_000_000), Some(1e19)),
            ("0x1p-2", None, None, Some(0.25)),
        ];
        for (source, int, uint, float) in table {
            let number = Number::read(source).unwrap();
            assert_eq!((number.int, number.uint, number.float), (int, uint, float), "{source}");
        }
        assert_eq!(Number::character("'a'").unwrap().int, Some(97));
    }

    #[test]
    fn refused() {
        for source in ["1__0", "_1", "1_", "0x", "+-2", ".", "1e", "0x1.5"] {
            assert!(matches!(Number::read(source), Err(NumberError::Syntax(_))), "{source}");
        }
        for source in ["18446744073709551616", "089"] {
            assert!(
                matches!(Number::read(source), Err(NumberError::Overflow(_))),
                "{source}"
            );
        }
        assert!(matches!(Number::read("1i"), Err(NumberError::Complex(_))));
        assert!(matches!(Number::character("'ab'"), Err(NumberError::Character(_))));
    }
}
