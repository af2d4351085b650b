//! Flags as plain values: read, checked against the table, merged with those of `daemon.json` ([`super::file`]).

use std::collections::BTreeMap;

use super::check;
use super::flag::{Effect, Flag, Kind, by_letter, by_name};

/// The values of each flag that was given, by flag name.
pub type Values = BTreeMap<&'static str, Vec<String>>;

/// The command line or the configuration file cannot be used. Texts are Docker's where it has them.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// No such flag.
    #[error("unknown flag: {0}")]
    UnknownFlag(String),
    /// No such letter.
    #[error("unknown shorthand flag: '{0}' in -{1}")]
    UnknownLetter(char, String),
    /// A flag without its value.
    #[error("flag needs an argument: {0}")]
    Argument(String),
    /// Something that is no flag.
    #[error("\"{program}\" accepts no arguments: {argument}")]
    Positional {
        /// The program.
        program: String,
        /// What was given.
        argument: String,
    },
    /// A value that the flag does not take.
    #[error("invalid argument {value:?} for \"{flag}\" flag: {why}")]
    Value {
        /// The flag's names.
        flag: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A flag that Docker has and we do not build yet.
    #[error("--{0} is not implemented yet")]
    NotBuilt(&'static str),
    /// A value that Docker has and we do not build yet.
    #[error("--{0}={1} is not implemented yet")]
    NotBuiltValue(&'static str, String),
    /// Keys of the file that mean nothing.
    #[error("the following directives don't match any configuration option: {0}")]
    UnknownKeys(String),
    /// Keys given twice.
    #[error("the following directives are specified both as a flag and in the configuration file: {0}")]
    Twice(String),
    /// Not JSON, or a key with a value of the wrong type.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// Every value has its type, and together they make no sense.
    #[error("merged configuration validation from file and command line flags failed: {0}")]
    Merged(String),
}

/// Reads a command line (without the program's own name).
///
/// # Errors
/// The first thing wrong with it.
pub fn from_arguments(program: &str, arguments: &[String]) -> Result<Values, ValuesError> {
    let mut values = Values::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if let Some(long) = argument.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let flag = by_name(name).ok_or_else(|| ValuesError::UnknownFlag(format!("--{name}")))?;
            let value = value_of(flag, value, &mut rest, || format!("--{name}"))?;
            insert(&mut values, flag, value)?;
        } else if let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            from_letters(&mut values, letters, &mut rest)?;
        } else {
            return Err(ValuesError::Positional {
                program: program.to_owned(),
                argument: argument.clone(),
            });
        }
    }
    Ok(values)
}

/// `-D`, `-Hunix:///x`, `-H=unix:///x`, `-H unix:///x`, `-DH unix:///x`.
fn from_letters(values: &mut Values, whole: &str, rest: &mut std::slice::Iter<'_, String>) -> Result<(), ValuesError> {
    let mut letters = whole.chars();
    while let Some(letter) = letters.next() {
        let unknown = || ValuesError::UnknownLetter(letter, whole.to_owned());
        let flag = by_letter(letter).ok_or_else(unknown)?;
        let attached = letters.as_str();
        let value = match attached.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if flag.kind != Kind::Bool && !attached.is_empty() => Some(attached.to_owned()),
            None => None,
        };
        let ended = value.is_some();
        let missing = || format!("'{letter}' in -{whole}");
        let value = value_of(flag, value, rest, missing)?;
        insert(values, flag, value)?;
        if ended || flag.kind != Kind::Bool {
            return Ok(());
        }
    }
    Ok(())
}

fn value_of(
    flag: &'static Flag,
    given: Option<String>,
    rest: &mut std::slice::Iter<'_, String>,
    missing: impl FnOnce() -> String,
) -> Result<String, ValuesError> {
    match (given, flag.kind) {
        (Some(value), _) => Ok(value),
        (None, Kind::Bool) => Ok("true".to_owned()),
        (None, _) => rest.next().cloned().ok_or_else(|| ValuesError::Argument(missing())),
    }
}

/// Checks a value of a flag and keeps it.
fn insert(values: &mut Values, flag: &'static Flag, value: String) -> Result<(), ValuesError> {
    let wrong = |why: String| ValuesError::Value {
        flag: flag.shown(),
        value: value.clone(),
        why,
    };
    let syntax = |kind: &str| format!("strconv.Parse{kind}: parsing {value:?}: invalid syntax");
    let value = match flag.kind {
        Kind::Bool => boolean(&value).ok_or_else(|| wrong(syntax("Bool")))?.to_string(),
        Kind::Number => match value.parse::<i64>() {
            Ok(_) => value,
            Err(_) => return Err(wrong(syntax("Int"))),
        },
        _ => value,
    };
    check::one(flag, &value).map_err(|why| ValuesError::Value {
        flag: flag.shown(),
        value: value.clone(),
        why,
    })?;
    keep(values, flag, value)
}

/// Keeps a value that the table allows.
pub(super) fn keep(values: &mut Values, flag: &'static Flag, value: String) -> Result<(), ValuesError> {
    match flag.effect {
        Effect::Used | Effect::Moot | Effect::Ignored | Effect::Usual(_) => {}
        Effect::Only(allowed) if allowed.contains(&value.as_str()) => {}
        Effect::Only(_) => return Err(ValuesError::NotBuiltValue(flag.name, value)),
        // Harnesses pass flags with empty values; they ask for nothing.
        Effect::Refused | Effect::Gone(_) if value.is_empty() => return Ok(()),
        Effect::Refused => return Err(ValuesError::NotBuilt(flag.name)),
        Effect::Gone(text) => return Err(ValuesError::Merged(text.to_owned())),
    }
    let slot = values.entry(flag.name).or_default();
    if !flag.is_repeated() {
        slot.clear();
    }
    slot.push(value);
    Ok(())
}

/// Go's `strconv.ParseBool`.
fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Puts the two together.
///
/// # Errors
/// Something is given in both.
pub fn merge(flags: Values, file: Values) -> Result<Values, ValuesError> {
    let twice: Vec<String> = flags
        .iter()
        .filter_map(|(name, from_flag)| {
            let from_file = file.get(name)?;
            let key = by_name(name).map_or(*name, |flag| flag.key);
            let is_repeated = by_name(name).is_some_and(Flag::is_repeated);
            let shown = |values: &[String]| shown(values, is_repeated);
            Some(format!(
                "{key}: (from flag: {}, from file: {})",
                shown(from_flag),
                shown(from_file)
            ))
        })
        .collect();
    if !twice.is_empty() {
        return Err(ValuesError::Twice(twice.join(", ")));
    }
    let mut values = file;
    values.extend(flags);
    Ok(values)
}

fn shown(values: &[String], is_repeated: bool) -> String {
    let masked: Vec<String> = values.iter().map(|value| masked(value)).collect();
    match masked.as_slice() {
        [one] if !is_repeated => one.clone(),
        many => format!("[{}]", many.join(" ")),
    }
}

/// An address without the name and the password in it.
#[must_use]
pub fn masked(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://xxxxx:xxxxx@{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::from_file;

    fn read(line: &str) -> Result<Values, ValuesError> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        from_arguments("cortend", &arguments)
    }

    fn message<T: std::fmt::Debug>(result: Result<T, ValuesError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn all_forms_of_flags() {
        let values =
            read("-D -H unix:///a --host=unix:///b -Hunix:///c --data-root /d --icc=false --init -l warn").unwrap();
        assert_eq!(values["host"], ["unix:///a", "unix:///b", "unix:///c"]);
        assert_eq!(
            (values["debug"][0].as_str(), values["icc"][0].as_str()),
            ("true", "false")
        );
        assert_eq!(
            (values["data-root"][0].as_str(), values["log-level"][0].as_str()),
            ("/d", "warn")
        );
        assert_eq!(read("-DH unix:///a").unwrap()["host"], ["unix:///a"]);
        assert_eq!(read("--bip 1 --bip 2").unwrap()["bip"], ["2"]);
    }

    #[test]
    fn bad_flags_are_refused_by_name() {
        assert_eq!(message(read("--bogus")), "unknown flag: --bogus");
        assert_eq!(message(read("-Z")), "unknown shorthand flag: 'Z' in -Z");
        assert_eq!(message(read("-H")), "flag needs an argument: 'H' in -H");
        assert_eq!(message(read("--builder x")), "unknown flag: --builder");
        assert_eq!(
            message(read("-H bogus://")),
            "invalid argument \"bogus://\" for \"-H, --host\" flag: invalid bind address (bogus://): unsupported proto \
             'bogus'"
        );
        assert_eq!(
            message(read("--mtu x")),
            "invalid argument \"x\" for \"--mtu\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"
        );
        assert_eq!(message(read("--host")), "flag needs an argument: --host");
        assert_eq!(message(read("serve")), "\"cortend\" accepts no arguments: serve");
        assert_eq!(
            message(read("--storage-driver vfs")),
            "--storage-driver=vfs is not implemented yet"
        );
        assert_eq!(
            message(read("--selinux-enabled")),
            "--selinux-enabled=true is not implemented yet"
        );
        assert!(read("--iptables=false --ip6tables=false").is_ok());
        assert!(message(read("--debug=x")).starts_with("invalid argument \"x\" for \"-D, --debug\" flag"));
    }

    #[test]
    fn what_the_moby_harness_always_passes() {
        let line = "--config-file /dev/null --data-root /a --exec-root /b --pidfile /c --userland-proxy=true \
                    --containerd-namespace d --containerd-plugins-namespace dp --containerd /run/c.sock \
                    --host unix:///e --debug --storage-driver overlay2";
        assert!(read(line).is_ok());
    }

    #[test]
    fn proxies_lie_deeper_and_hide_passwords() {
        let file = from_file(r#"{"proxies":{"http-proxy":"http://u:p@h:1","no-proxy":"x"}}"#).unwrap();
        assert_eq!(file["http-proxy"], ["http://u:p@h:1"]);
        let twice = message(merge(read("--http-proxy http://x").unwrap(), file));
        assert!(
            twice.ends_with("http-proxy: (from flag: http://x, from file: http://xxxxx:xxxxx@h:1)"),
            "{twice}"
        );
        for (address, hidden) in [
            ("http://u@h/p@q", "http://xxxxx:xxxxx@h/p@q"),
            ("http://h/p@q", "http://h/p@q"),
            ("h:1", "h:1"),
        ] {
            assert_eq!(masked(address), hidden);
        }
    }

    #[test]
    fn nothing_may_be_given_twice() {
        let twice = message(merge(read("-D").unwrap(), from_file(r#"{"debug":false}"#).unwrap()));
        assert!(
            twice.ends_with("configuration file: debug: (from flag: true, from file: false)"),
            "{twice}"
        );
        let hosts = message(merge(
            read("-H unix:///b").unwrap(),
            from_file(r#"{"hosts":["unix:///a"]}"#).unwrap(),
        ));
        assert!(
            hosts.ends_with("file: hosts: (from flag: [unix:///b], from file: [unix:///a])"),
            "{hosts}"
        );
    }
}
