//! Whole numbers and strings under the verbs that take them.

use super::Printer;
use crate::{quote, runes};

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

/// A whole number with its sign apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) size: u64,
    pub(crate) negative: bool,
    pub(crate) signed: bool,
}

impl Whole {
    pub(crate) fn signed(value: i64) -> Self {
        Self {
            size: value.unsigned_abs(),
            negative: value < 0,
            signed: true,
        }
    }

    pub(crate) fn unsigned(value: u64) -> Self {
        Self {
            size: value,
            negative: false,
            signed: false,
        }
    }

    /// The bits as one unsigned number.
    fn bits(self) -> u64 {
        if self.negative {
            self.size.wrapping_neg()
        } else {
            self.size
        }
    }
}

impl Printer {
    /// Prints by `verb`; false if it does not fit.
    pub(crate) fn whole(&mut self, number: Whole, verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v && !number.signed => self.hexadecimal(number.size),
            'v' | 'd' => self.digits(number, 10, verb),
            'b' => self.digits(number, 2, verb),
            'o' | 'O' => self.digits(number, 8, verb),
            'x' | 'X' => self.digits(number, 16, verb),
            'c' => self.pad(character(number.bits()).to_string()),
            'q' => self.pad(quote::quote_char(character(number.bits()), self.flags.plus)),
            'U' => self.unicode(number.bits()),
            _ => return false,
        }
        true
    }

    fn hexadecimal(&mut self, number: u64) {
        let sharp = std::mem::replace(&mut self.flags.sharp, true);
        self.digits(Whole::unsigned(number), 16, 'v');
        self.flags.sharp = sharp;
    }

    fn digits(&mut self, number: Whole, base: u64, verb: char) {
        if self.flags.precision == Some(0) && number.size == 0 {
            let width = self.flags.width.unwrap_or(0);
            let zero = std::mem::replace(&mut self.flags.zero, false);
            self.padding(width);
            self.flags.zero = zero;
            return;
        }
        let mut text = radix(number.size, base, verb == 'X');
        let wanted = self.least_digits(number);
        if text.len() < wanted {
            text.splice(0..0, std::iter::repeat_n(b'0', wanted - text.len()));
        }
        let mut head: Vec<u8> = Vec::new();
        if number.negative {
            head.push(b'-');
        } else if self.flags.plus {
            head.push(b'+');
        } else if self.flags.space {
            head.push(b' ');
        }
        if verb == 'O' {
            head.extend_from_slice(b"0o");
        }
        if self.flags.sharp {
            match base {
                2 => head.extend_from_slice(b"0b"),
                8 if !text.starts_with(b"0") => head.push(b'0'),
                16 if verb == 'X' => head.extend_from_slice(b"0X"),
                16 => head.extend_from_slice(b"0x"),
                _ => {}
            }
        }
        head.extend_from_slice(&text);
        self.pad_with_spaces(head);
    }

    /// How many digits a precision, or a width filled with zeros, asks for.
    fn least_digits(&self, number: Whole) -> usize {
        if let Some(precision) = self.flags.precision {
            return precision;
        }
        match self.flags.width {
            Some(width) if self.flags.zero && !self.flags.minus => {
                let sign = number.negative || self.flags.plus || self.flags.space;
                width.saturating_sub(usize::from(sign))
            }
            Some(_) | None => 0,
        }
    }

    fn unicode(&mut self, code: u64) {
        let digits = self.flags.precision.unwrap_or(0).max(4);
        let mut text = format!("U+{code:0digits$X}");
        let letter = u32::try_from(code).ok().and_then(char::from_u32);
        if let Some(letter) = letter.filter(|letter| self.flags.sharp && runes::is_printable(*letter)) {
            text.push_str(&format!(" '{letter}'"));
        }
        self.pad_with_spaces(text);
    }

    /// Prints a string by `verb`; false if it does not fit.
    pub(crate) fn string(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => {
                let text = self.truncated(text).to_vec();
                self.pad(text);
            }
            'x' => self.bytes(text, LOWER),
            'X' => self.bytes(text, UPPER),
            'q' => self.quoted(text),
            _ => return false,
        }
        true
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let length = runes::each(text).take(precision).map(|(_, length)| length).sum();
        text.get(..length).unwrap_or(text)
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        let text = match std::str::from_utf8(text) {
            Ok(plain) if self.flags.sharp && can_backquote(plain) => format!("`{plain}`"),
            _ => quote::quote(text, self.flags.plus),
        };
        self.pad(text);
    }

    fn bytes(&mut self, text: &[u8], alphabet: &[u8; 17]) {
        let length = self.flags.precision.unwrap_or(text.len()).min(text.len());
        let text = text.get(..length).unwrap_or_default();
        let mut out = Vec::with_capacity(text.len() * 2);
        for (place, byte) in text.iter().enumerate() {
            if self.flags.space && place > 0 {
                out.push(b' ');
            }
            if self.flags.sharp && (place == 0 || self.flags.space) {
                out.extend([b'0', alphabet[16]]);
            }
            out.push(alphabet[usize::from(byte >> 4)]);
            out.push(alphabet[usize::from(byte & 15)]);
        }
        self.pad(out);
    }
}

fn character(code: u64) -> char {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(runes::ERROR)
}

fn can_backquote(text: &str) -> bool {
    text.chars().all(|letter| {
        letter == '\t' || !matches!(letter, '\0'..=' ' | '`' | '\u{7f}' | '\u{feff}' | runes::ERROR) || letter == ' '
    })
}

fn radix(mut number: u64, base: u64, upper: bool) -> Vec<u8> {
    let alphabet = if upper { UPPER } else { LOWER };
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(number % base).unwrap_or(0);
        digits.push(alphabet.get(digit).copied().unwrap_or(b'0'));
        number /= base;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    digits
}
