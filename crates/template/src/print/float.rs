//! Floats: `%e`, `%f`, `%g`, `%b`, `%x` with Go's shortest digits and rounding.

use super::Printer;

impl Printer {
    /// Prints by `verb`; false if it does not fit.
    pub(crate) fn float(&mut self, value: f64, verb: char) -> bool {
        let (verb, usual) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'F' => ('f', Some(6)),
            'e' | 'E' => (verb, Some(6)),
            _ => return false,
        };
        let precision = self.flags.precision.or(usual);
        if !value.is_finite() {
            self.infinite(value);
            return true;
        }
        let sign = if value.is_sign_negative() {
            "-"
        } else if self.flags.plus {
            "+"
        } else if self.flags.space {
            " "
        } else {
            ""
        };
        let mut digits = text(value.abs(), verb, precision);
        if self.flags.sharp && verb != 'b' {
            digits = sharpened(&digits, verb, precision);
        }
        let length = sign.len() + digits.len();
        match self.flags.width {
            Some(width) if self.flags.zero && !self.flags.minus && width > length && !sign.is_empty() => {
                self.push(sign);
                self.padding(width - length);
                self.push(digits);
            }
            Some(_) | None => self.pad(format!("{sign}{digits}")),
        }
        true
    }

    fn infinite(&mut self, value: f64) {
        let sign = match value.is_sign_negative() && !value.is_nan() {
            true => "-",
            false if self.flags.space && !self.flags.plus => " ",
            false if value.is_nan() && !self.flags.plus => "",
            false => "+",
        };
        let name = if value.is_nan() { "NaN" } else { "Inf" };
        self.pad_with_spaces(format!("{sign}{name}"));
    }
}

/// Digits of a finite number that is not negative (`strconv.FormatFloat`).
pub(crate) fn text(value: f64, verb: char, precision: Option<usize>) -> String {
    match verb {
        'e' | 'E' => exponential(value, precision, verb),
        'f' => match precision {
            Some(precision) => format!("{value:.precision$}"),
            None => format!("{value}"),
        },
        'b' => binary(value),
        'x' | 'X' => hexadecimal(value, precision, verb),
        _ => general(value, precision, verb),
    }
}

fn exponential(value: f64, precision: Option<usize>, verb: char) -> String {
    let text = match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => format!("{value:e}"),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}{verb}{sign}{exponent:0>2}")
}

/// `%g`: an exponent below -4, and from the precision on, or from 6 on where there is none.
fn general(value: f64, precision: Option<usize>, verb: char) -> String {
    let wanted = precision.map(|precision| precision.max(1));
    let text = match wanted {
        Some(wanted) => format!("{value:.*e}", wanted - 1),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let count = i32::try_from(mantissa.bytes().filter(u8::is_ascii_digit).count()).unwrap_or(i32::MAX);
    let limit = match wanted.map(|wanted| i32::try_from(wanted).unwrap_or(i32::MAX)) {
        None => 6,
        Some(wanted) if wanted > count && count > exponent => count,
        Some(wanted) => wanted,
    };
    if exponent < -4 || exponent >= limit {
        let mark = if verb == 'G' { 'E' } else { 'e' };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}{mark}{sign}{:02}", exponent.unsigned_abs());
    }
    plain(mantissa, exponent)
}

/// `1.25`, 3 → `1250`; `1.25`, -2 → `0.0125`.
fn plain(mantissa: &str, exponent: i32) -> String {
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    match usize::try_from(exponent) {
        Ok(exponent) if exponent + 1 >= digits.len() => {
            let zeros = exponent + 1 - digits.len();
            digits + &"0".repeat(zeros)
        }
        Ok(exponent) => {
            let (whole, part) = digits.split_at_checked(exponent + 1).unwrap_or((&digits, ""));
            format!("{whole}.{part}")
        }
        Err(_) => {
            let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(1).saturating_sub(1);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
    }
}

/// The mantissa and power of two of a double.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let mantissa = bits & ((1 << 52) - 1);
    match exponent {
        0 => (mantissa, -1074),
        _ => (mantissa | 1 << 52, exponent - 1075),
    }
}

fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    format!("{mantissa}p{exponent:+}")
}

/// `0x1.8p+01`.
fn hexadecimal(value: f64, precision: Option<usize>, verb: char) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    exponent = if mantissa == 0 { 0 } else { exponent + 52 };
    // One digit before the point, 60 bits behind it.
    mantissa <<= 8;
    while mantissa != 0 && mantissa >> 60 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = u32::try_from(60 - precision * 4).unwrap_or(0);
        let extra = mantissa & ((1 << shift) - 1);
        mantissa >>= shift;
        let half = 1 << (shift - 1);
        if extra > half || (extra == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= shift;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => fraction.chars().chain(std::iter::repeat('0')).take(precision).collect(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let text = format!(
        "0x{:x}{point}{fraction}p{}{:02}",
        mantissa >> 60,
        if exponent < 0 { '-' } else { '+' },
        exponent.unsigned_abs()
    );
    if verb == 'X' { text.to_uppercase() } else { text }
}

/// `%#g` and the like: always a point, and for `%g` the zeros that it drops.
fn sharpened(digits: &str, verb: char, precision: Option<usize>) -> String {
    let mut wanted = match verb {
        'g' | 'G' | 'x' => i64::try_from(precision.unwrap_or(6)).unwrap_or(i64::MAX),
        _ => 0,
    };
    let hexadecimal = matches!(verb, 'x' | 'X');
    let at = digits.find(|letter: char| matches!(letter, 'p' | 'P') || (!hexadecimal && matches!(letter, 'e' | 'E')));
    let (number, tail) = digits
        .split_at_checked(at.unwrap_or(digits.len()))
        .unwrap_or((digits, ""));
    let mut seen = false;
    for letter in number.chars().filter(|letter| *letter != '.') {
        seen |= letter != '0';
        wanted -= i64::from(seen);
    }
    let mut out = number.to_owned();
    if !number.contains('.') {
        if number == "0" {
            wanted -= 1;
        }
        out.push('.');
    }
    out.extend(std::iter::repeat_n(
        '0',
        usize::try_from(wanted).unwrap_or(0).min(super::LARGEST),
    ));
    out + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (value, verb, precision, expected) in [
            (1_000_000.0, 'g', None, "1e+06"),
            (123_456.0, 'g', None, "123456"),
            (0.00001, 'g', None, "1e-05"),
            (2.5, 'g', None, "2.5"),
            (0.0, 'g', None, "0"),
            (1234.5678, 'g', Some(3), "1.23e+03"),
            (100.0, 'g', Some(3), "100"),
            (2.5, 'e', Some(6), "2.500000e+00"),
            (2.5, 'f', Some(0), "2"),
            (1.0, 'x', None, "0x1p+00"),
            (1.5, 'x', None, "0x1.8p+00"),
            (1.0, 'b', None, "4503599627370496p-52"),
        ] {
            assert_eq!(text(value, verb, precision), expected, "{value} {verb} {precision:?}");
        }
    }
}
