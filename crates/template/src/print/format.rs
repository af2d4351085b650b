//! `Sprintf`: the format's text, flags, widths and argument numbers.

use super::{Argument, Flags, Printer, TooLarge};
use crate::runes;
use crate::value::Value;

/// Widths and precisions beyond this are no numbers to Go.
const WIDEST: i64 = 1_000_000;

/// Prints by a format.
pub(crate) fn sprintf(format: &[u8], arguments: &[Argument]) -> Result<Vec<u8>, TooLarge> {
    let mut state = State {
        printer: Printer::default(),
        format,
        at: 0,
        arguments,
        next: 0,
        reordered: false,
        good_index: true,
    };
    state.run();
    state.extra();
    state.printer.finish()
}

struct State<'a> {
    printer: Printer,
    format: &'a [u8],
    at: usize,
    arguments: &'a [Argument],
    /// Which argument is next.
    next: usize,
    /// Arguments were called by number.
    reordered: bool,
    good_index: bool,
}

impl State<'_> {
    fn run(&mut self) {
        while self.at < self.format.len() {
            self.good_index = true;
            let rest = self.format.get(self.at..).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.printer.push(rest.get(..length).unwrap_or_default());
            self.at += length;
            if self.at < self.format.len() {
                self.at += 1;
                self.printer.flags = Flags::default();
                self.directive();
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn directive(&mut self) {
        if self.flags() {
            return;
        }
        let mut after_index = self.index();
        after_index = self.width(after_index);
        after_index = self.precision(after_index);
        if !after_index {
            self.index();
        }
        let Some((verb, length)) = runes::first(self.format.get(self.at..).unwrap_or_default()) else {
            self.printer.push("%!(NOVERB)");
            return;
        };
        self.at += length;
        if verb == '%' {
            self.printer.push("%");
        } else if !self.good_index {
            self.printer.push(format!("%!{verb}(BADINDEX)"));
        } else if self.next >= self.arguments.len() {
            self.printer.push(format!("%!{verb}(MISSING)"));
        } else {
            self.verb(verb);
        }
    }

    /// Reads flags; true if a plain verb followed and is done.
    fn flags(&mut self) -> bool {
        while let Some(byte) = self.peek() {
            let flags = &mut self.printer.flags;
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                b'a'..=b'z' if self.next < self.arguments.len() => {
                    self.at += 1;
                    self.verb(char::from(byte));
                    return true;
                }
                _ => return false,
            }
            self.at += 1;
        }
        false
    }

    fn verb(&mut self, verb: char) {
        let flags = &mut self.printer.flags;
        if verb == 'v' || verb == 'w' {
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        if let Some(argument) = self.arguments.get(self.next) {
            self.printer.argument(argument, verb);
        }
        self.next += 1;
    }

    /// `[n]`: the number of the next argument. True if one was there.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b']');
        let Some(end) = end.filter(|_| rest.len() >= 3) else {
            self.at += 1;
            self.good_index = false;
            return false;
        };
        self.at += end + 1;
        let (number, length) = digits(rest.get(1..end).unwrap_or_default());
        let number = number.filter(|_| length + 1 == end);
        let Some(number) = number else {
            self.good_index = false;
            return false;
        };
        match number.checked_sub(1).filter(|place| *place < self.arguments.len()) {
            Some(place) => self.next = place,
            None => self.good_index = false,
        }
        true
    }

    fn width(&mut self, after_index: bool) -> bool {
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    if width < 0 {
                        self.printer.flags.minus = true;
                        self.printer.flags.zero = false;
                    }
                    self.printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.printer.push("%!(BADWIDTH)"),
            }
            return false;
        }
        self.printer.flags.width = self.number();
        if after_index && self.printer.flags.width.is_some() {
            self.good_index = false;
        }
        after_index
    }

    fn precision(&mut self, mut after_index: bool) -> bool {
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return after_index;
        }
        self.at += 1;
        if after_index {
            self.good_index = false;
        }
        after_index = self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star().and_then(|precision| usize::try_from(precision).ok()) {
                Some(precision) => self.printer.flags.precision = Some(precision),
                None => self.printer.push("%!(BADPREC)"),
            }
            return false;
        }
        self.printer.flags.precision = Some(self.number().unwrap_or(0));
        after_index
    }

    fn number(&mut self) -> Option<usize> {
        let rest = self.format.get(self.at..).unwrap_or_default();
        let (number, length) = digits(rest);
        if number.is_none() && length > 0 {
            // A number beyond all measure swallows the rest of the format.
            self.at = self.format.len();
            return None;
        }
        self.at += length;
        number
    }

    /// The next argument as a width or precision.
    fn star(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        let number = match argument {
            Some(Value::Int(value, _)) => Some(*value),
            Some(Value::Uint(value, _)) => i64::try_from(*value).ok(),
            _ => None,
        };
        number.filter(|value| (-WIDEST..=WIDEST).contains(value))
    }

    fn extra(&mut self) {
        if self.reordered || self.next >= self.arguments.len() {
            return;
        }
        self.printer.flags = Flags::default();
        self.printer.push("%!(EXTRA ");
        for (place, argument) in self.arguments.iter().skip(self.next).enumerate() {
            if place > 0 {
                self.printer.push(", ");
            }
            match argument {
                None => self.printer.push("<nil>"),
                Some(value) => {
                    self.printer.push(value.type_name() + "=");
                    self.printer.argument(argument, 'v');
                }
            }
        }
        self.printer.push(")");
    }
}

/// The decimal number at the beginning and its length; a length without a number is one too large.
fn digits(text: &[u8]) -> (Option<usize>, usize) {
    let mut number = None;
    let mut length = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            break;
        }
        if number.is_some_and(|number: usize| number > 1_000_000) {
            return (None, text.len());
        }
        number = Some(number.unwrap_or(0) * 10 + usize::from(byte - b'0'));
        length += 1;
    }
    (number, length)
}
