//! Reads arguments by a command's flag tables.

use super::kind::{parse_bool, parse_integer, parse_unsigned};
use super::{Flag, Kind};
use crate::option::field;

/// How a command's arguments are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The flags, in tables that may be shared between commands.
    pub(crate) tables: &'static [&'static [Flag]],
    /// Whether flags may follow positional arguments; false: they end at the first.
    pub(crate) interspersed: bool,
}

/// The outcome: what each flag was given, and the rest.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    given: Vec<(&'static str, String)>,
    /// Positional arguments.
    pub(crate) arguments: Vec<String>,
    /// `--help` was met; reading stopped there.
    pub(crate) help: bool,
    /// It was `-h`.
    pub(crate) help_by_letter: bool,
}

/// A flag could not be read; texts as pflag writes them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FlagError {
    #[error("unknown flag: --{name}")]
    Unknown { name: String },
    #[error("unknown shorthand flag: {letter:?} in -{group}")]
    UnknownShort { letter: char, group: String },
    #[error("flag needs an argument: --{0}")]
    NeedsArgument(String),
    #[error("flag needs an argument: {letter:?} in -{group}")]
    ShortNeedsArgument { letter: char, group: String },
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    #[error("invalid argument {value:?} for {flag:?} flag: {reason}")]
    Invalid {
        value: String,
        flag: String,
        reason: String,
    },
}

/// Reads `arguments`.
pub(crate) fn parse(rules: Rules, arguments: impl IntoIterator<Item = String>) -> Result<Parsed, FlagError> {
    let mut parsed = Parsed::default();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            parsed.arguments.extend(rest);
            break;
        } else if let Some(long) = argument.strip_prefix("--") {
            read_long(rules, long, &mut rest, &mut parsed)?;
        } else if argument.len() > 1 && argument.starts_with('-') {
            read_short(rules, &argument[1..], &mut rest, &mut parsed)?;
        } else {
            parsed.arguments.push(argument);
            if !rules.interspersed {
                parsed.arguments.extend(rest);
                break;
            }
        }
        if parsed.help {
            break;
        }
    }
    Ok(parsed)
}

fn read_long(
    rules: Rules,
    text: &str,
    rest: &mut impl Iterator<Item = String>,
    parsed: &mut Parsed,
) -> Result<(), FlagError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if name.is_empty() || name.starts_with('-') {
        return Err(FlagError::Syntax(format!("--{text}")));
    }
    if name == "help" {
        parsed.help = true;
        return Ok(());
    }
    let flag = rules
        .flags()
        .find(|flag| flag.name == name)
        .ok_or_else(|| FlagError::Unknown { name: name.to_owned() })?;
    let value = match value {
        Some(value) => value,
        None if matches!(flag.kind, Kind::Bool) => "true".to_owned(),
        None => rest.next().ok_or_else(|| FlagError::NeedsArgument(name.to_owned()))?,
    };
    parsed.set(flag, value)
}

fn read_short(
    rules: Rules,
    group: &str,
    rest: &mut impl Iterator<Item = String>,
    parsed: &mut Parsed,
) -> Result<(), FlagError> {
    for (at, letter) in group.char_indices() {
        let Some(flag) = rules.flags().find(|flag| flag.short == Some(letter)) else {
            if letter == 'h' {
                parsed.help = true;
                parsed.help_by_letter = true;
                return Ok(());
            }
            return Err(FlagError::UnknownShort {
                letter,
                group: group[at..].to_owned(),
            });
        };
        let behind = &group[at + letter.len_utf8()..];
        let value = match behind.strip_prefix('=') {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ if matches!(flag.kind, Kind::Bool) => {
                parsed.set(flag, "true".to_owned())?;
                continue;
            }
            _ if !behind.is_empty() => behind.to_owned(),
            _ => rest.next().ok_or_else(|| FlagError::ShortNeedsArgument {
                letter,
                group: group[at..].to_owned(),
            })?,
        };
        return parsed.set(flag, value);
    }
    Ok(())
}

impl Rules {
    fn flags(self) -> impl Iterator<Item = &'static Flag> {
        self.tables.iter().flat_map(|table| table.iter())
    }
}

impl Parsed {
    fn set(&mut self, flag: &'static Flag, value: String) -> Result<(), FlagError> {
        if let Err(reason) = flag.kind.check(&value) {
            let name = match flag.short {
                Some(letter) => format!("-{letter}, --{}", flag.name),
                None => format!("--{}", flag.name),
            };
            return Err(FlagError::Invalid {
                value,
                flag: name,
                reason,
            });
        }
        self.given.push((flag.name, value));
        Ok(())
    }

    /// Whether the flag was given at all.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }

    /// The last value given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given
            .iter()
            .rev()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The last value given, or nothing at all.
    pub(crate) fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// A boolean that is off unless given.
    pub(crate) fn on(&self, name: &str) -> bool {
        self.bool(name).unwrap_or(false)
    }

    /// A boolean, if given.
    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        self.text(name)
            .map(|text| parse_bool(text).expect("checked when it was read"))
    }

    /// A whole number, if given.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)
            .map(|text| parse_integer(text).expect("checked when it was read"))
    }

    /// An unsigned number, if given.
    pub(crate) fn unsigned(&self, name: &str) -> Option<u64> {
        self.text(name)
            .map(|text| parse_unsigned(text, 64).expect("checked when it was read"))
    }

    /// Every value given, in order.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.given
            .iter()
            .filter(move |(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a flag whose values are lists with commas.
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        let lines = self.list(name).filter(|line| !line.is_empty());
        lines
            .flat_map(|line| field::split(line).expect("checked when it was read"))
            .collect()
    }

    /// Every value given, owned.
    pub(crate) fn owned(&self, name: &str) -> Vec<String> {
        self.list(name).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Flag] = &[
        Flag::new("rm", Kind::Bool, ""),
        Flag::new("interactive", Kind::Bool, "").short('i'),
        Flag::new("tty", Kind::Bool, "").short('t'),
        Flag::new("publish", Kind::List, "").short('p'),
        Flag::new("memory", Kind::Bytes, "").short('m'),
    ];

    fn read(interspersed: bool, words: &[&str]) -> Result<Parsed, String> {
        let rules = Rules {
            tables: &[TABLE],
            interspersed,
        };
        parse(rules, words.iter().map(|word| (*word).to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_end_at_the_first_argument() {
        let parsed = read(false, &["--rm", "-itp80:80", "-p", "1", "alpine", "echo", "-n", "--rm"]).unwrap();
        assert_eq!(parsed.arguments, ["alpine", "echo", "-n", "--rm"]);
        assert_eq!(parsed.owned("publish"), ["80:80", "1"]);
        assert!(parsed.on("interactive") && parsed.on("tty") && parsed.on("rm"));
        let parsed = read(true, &["a", "--rm=false", "b", "--", "-x"]).unwrap();
        assert_eq!(parsed.arguments, ["a", "b", "-x"]);
        assert_eq!(parsed.bool("rm"), Some(false));
        assert!(read(true, &["--help", "--bogus"]).unwrap().help);
    }

    #[test]
    fn errors_are_dockers() {
        for (words, text) in [
            (&["--bogus"][..], "unknown flag: --bogus"),
            (&["-rm-it"], "unknown shorthand flag: 'r' in -rm-it"),
            (&["-itr"], "unknown shorthand flag: 'r' in -r"),
            (&["--publish"], "flag needs an argument: --publish"),
            (&["-ip"], "flag needs an argument: 'p' in -p"),
            (&["--=x"], "bad flag syntax: --=x"),
            (
                &["-m", "x"],
                "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'",
            ),
            (
                &["--rm=foo"],
                "invalid argument \"foo\" for \"--rm\" flag: strconv.ParseBool: parsing \"foo\": invalid syntax",
            ),
        ] {
            assert_eq!(read(false, words).map(drop).unwrap_err(), text);
        }
    }
}
