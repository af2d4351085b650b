//! Go's `fmt`: `Sprint`, `Sprintln`, `Sprintf` over the values a template knows.
//!
//! A verb that does not fit a value prints `%!d(string=x)` as Go does. Output beyond the limit is refused
//! before it is made.

mod float;
mod format;
mod number;
mod show;

use crate::value::Value;

pub(crate) use format::sprintf;

/// An argument; `None` is the nil interface.
pub(crate) type Argument = Option<Value>;

/// How many bytes one call may print.
pub(crate) const LARGEST: usize = 16 << 20;

/// The text would be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("output is larger than {} MiB", LARGEST >> 20)]
pub(crate) struct TooLarge;

/// The flags of one verb.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) plus: bool,
    pub(crate) minus: bool,
    pub(crate) sharp: bool,
    pub(crate) space: bool,
    pub(crate) zero: bool,
    /// `%+v`: with field names.
    pub(crate) plus_v: bool,
    /// `%#v`: as Go source.
    pub(crate) sharp_v: bool,
    pub(crate) width: Option<usize>,
    pub(crate) precision: Option<usize>,
}

/// Text under construction.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    pub(crate) out: Vec<u8>,
    pub(crate) flags: Flags,
    /// A complaint is being printed: no methods are called.
    erroring: bool,
    full: bool,
}

impl Printer {
    /// Adds text, unless that would be too much.
    pub(crate) fn push(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        if self.out.len() + text.len() > LARGEST {
            self.full = true;
        } else if !self.full {
            self.out.extend_from_slice(text);
        }
    }

    fn padding(&mut self, count: usize) {
        let fill = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.push(vec![fill; count]);
    }

    /// Adds text, filled up to the width.
    pub(crate) fn pad(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let missing = self.flags.width.unwrap_or(0).saturating_sub(crate::runes::count(text));
        if self.flags.minus {
            self.push(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.push(text);
        }
    }

    /// The same without zeros for filling.
    fn pad_with_spaces(&mut self, text: impl AsRef<[u8]>) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn finish(self) -> Result<Vec<u8>, TooLarge> {
        if self.full { Err(TooLarge) } else { Ok(self.out) }
    }
}

/// Default texts in a row, a space between two of which neither is a string.
pub(crate) fn sprint(arguments: &[Argument]) -> Result<Vec<u8>, TooLarge> {
    let mut printer = Printer::default();
    let mut after_text = false;
    for (place, argument) in arguments.iter().enumerate() {
        let is_text = argument.as_ref().is_some_and(Value::is_text);
        if place > 0 && !is_text && !after_text {
            printer.push(" ");
        }
        printer.argument(argument, 'v');
        after_text = is_text;
    }
    printer.finish()
}

/// Default texts with spaces between them, and a line end.
pub(crate) fn sprintln(arguments: &[Argument]) -> Result<Vec<u8>, TooLarge> {
    let mut printer = Printer::default();
    for (place, argument) in arguments.iter().enumerate() {
        if place > 0 {
            printer.push(" ");
        }
        printer.argument(argument, 'v');
    }
    printer.push("\n");
    printer.finish()
}
