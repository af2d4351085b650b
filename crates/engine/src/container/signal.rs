//! Signals by name or number, as clients write them (pure).

use crate::error::{Error, Result};

/// SIGTERM's number.
pub const SIGTERM: i32 = 15;
const REALTIME_FIRST: i32 = 34;
const REALTIME_LAST: i32 = 64;

const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", REALTIME_FIRST),
    ("RTMAX", REALTIME_LAST),
];

/// The number of `SIGTERM`, `term`, `15`, `RTMIN+3`, ...
pub fn parse(text: &str) -> Result<i32> {
    number(text).ok_or_else(|| Error::invalid(format!("invalid signal: {text}")))
}

/// The same of a signal to be sent at once, where a number that is none is told so.
pub fn parse_sent(text: &str) -> Result<i32> {
    number(text).ok_or_else(|| match text.parse::<i32>() {
        Ok(number) if number != 0 => Error::invalid(format!("the linux daemon does not support signal {number}")),
        _ => Error::invalid(format!("invalid signal: {text}")),
    })
}

fn number(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=REALTIME_LAST).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let offset = |rest: &str| rest.parse::<i32>().ok().filter(|offset| (1..=15).contains(offset));
    if let Some(rest) = name.strip_prefix("RTMIN+") {
        return offset(rest).map(|offset| REALTIME_FIRST + offset);
    }
    name.strip_prefix("RTMAX-")
        .and_then(offset)
        .map(|offset| REALTIME_LAST - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, expected) in [
            ("SIGTERM", 15),
            ("term", 15),
            ("9", 9),
            ("RTMIN+3", 37),
            ("SIGRTMAX-1", 63),
            ("64", 64),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "-1", "65", "SIGNOPE", "RTMIN+", "RTMIN+99"] {
            assert_eq!(parse(text).unwrap_err().message, format!("invalid signal: {text}"));
        }
        for (text, expected) in [
            ("99", "the linux daemon does not support signal 99"),
            ("-1", "the linux daemon does not support signal -1"),
            ("0", "invalid signal: 0"),
            ("NOPE", "invalid signal: NOPE"),
        ] {
            assert_eq!(parse_sent(text).unwrap_err().message, expected);
        }
    }
}
