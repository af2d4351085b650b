//! Flags and `daemon.json` as plain values: read, checked against the table, merged.

use std::collections::BTreeMap;

use serde_json::Value;

use super::flag::{Effect, Flag, Kind, by_key, by_letter, by_name};

/// The values of each flag that was given, by flag name.
pub type Values = BTreeMap<&'static str, Vec<String>>;

/// The command line or the configuration file cannot be used. Texts are Docker's where it has them.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// No such flag.
    #[error("unknown flag: {0}")]
    UnknownFlag(String),
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
    #[error("invalid argument {value:?} for \"--{flag}\" flag: {why}")]
    Value {
        /// The flag's name.
        flag: &'static str,
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
    /// Not a JSON object.
    #[error("invalid configuration: {0}")]
    Json(String),
    /// A key with a value of the wrong type.
    #[error("invalid value of {0} in the configuration")]
    Shape(String),
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
            let value = value_of(flag, value, &mut rest)?;
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
fn from_letters(
    values: &mut Values,
    letters: &str,
    rest: &mut std::slice::Iter<'_, String>,
) -> Result<(), ValuesError> {
    let mut letters = letters.chars();
    while let Some(letter) = letters.next() {
        let unknown = || ValuesError::UnknownFlag(format!("-{letter}"));
        let flag = by_letter(letter).ok_or_else(unknown)?;
        let attached = letters.as_str();
        let value = match attached.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if flag.kind != Kind::Bool && !attached.is_empty() => Some(attached.to_owned()),
            None => None,
        };
        let ended = value.is_some();
        let value = value_of(flag, value, rest)?;
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
) -> Result<String, ValuesError> {
    match (given, flag.kind) {
        (Some(value), _) => Ok(value),
        (None, Kind::Bool) => Ok("true".to_owned()),
        (None, Kind::Text | Kind::List) => rest
            .next()
            .cloned()
            .ok_or_else(|| ValuesError::Argument(format!("--{}", flag.name))),
    }
}

/// Checks a value against the table and keeps it.
fn insert(values: &mut Values, flag: &'static Flag, value: String) -> Result<(), ValuesError> {
    let value = match flag.kind {
        Kind::Bool => boolean(flag, &value)?.to_string(),
        Kind::Text | Kind::List => value,
    };
    match flag.effect {
        Effect::Used | Effect::Moot => {}
        Effect::Only(allowed) if allowed.contains(&value.as_str()) => {}
        Effect::Only(_) => return Err(ValuesError::NotBuiltValue(flag.name, value)),
        // Harnesses pass flags with empty values; they ask for nothing.
        Effect::Refused if value.is_empty() => return Ok(()),
        Effect::Refused => return Err(ValuesError::NotBuilt(flag.name)),
    }
    let slot = values.entry(flag.name).or_default();
    if flag.kind != Kind::List {
        slot.clear();
    }
    slot.push(value);
    Ok(())
}

/// Go's `strconv.ParseBool`.
fn boolean(flag: &'static Flag, value: &str) -> Result<bool, ValuesError> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(ValuesError::Value {
            flag: flag.name,
            value: value.to_owned(),
            why: format!("strconv.ParseBool: parsing {value:?}: invalid syntax"),
        }),
    }
}

/// Reads the text of a configuration file. Empty text is an empty configuration.
///
/// # Errors
/// The first thing wrong with it.
pub fn from_file(text: &str) -> Result<Values, ValuesError> {
    if text.trim().is_empty() {
        return Ok(Values::new());
    }
    let document: Value = serde_json::from_str(text).map_err(|error| ValuesError::Json(error.to_string()))?;
    let Value::Object(keys) = document else {
        return Err(ValuesError::Json("not an object".to_owned()));
    };
    let unknown: Vec<&str> = keys
        .keys()
        .filter(|key| by_key(key).is_none())
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        return Err(ValuesError::UnknownKeys(unknown.join(", ")));
    }
    let mut values = Values::new();
    for (key, value) in &keys {
        let Some(flag) = by_key(key) else { continue };
        let shape = || ValuesError::Shape(key.clone());
        match (value, flag.kind) {
            (Value::Null, _) => {}
            (Value::Array(items), Kind::List) => {
                for item in items {
                    insert(&mut values, flag, item_text(item).ok_or_else(shape)?)?;
                }
            }
            (Value::Object(entries), Kind::List) => {
                for (name, item) in entries {
                    let item = item_text(item).ok_or_else(shape)?;
                    insert(&mut values, flag, format!("{name}={item}"))?;
                }
            }
            (Value::Bool(_), Kind::Bool) | (Value::String(_) | Value::Number(_), Kind::Text) => {
                insert(&mut values, flag, item_text(value).ok_or_else(shape)?)?;
            }
            _ => return Err(shape()),
        }
    }
    Ok(values)
}

/// One value as the flag would have it: `{"Hard":2,"Soft":1}` is `1:2`, `{"base":"a","size":1}` is
/// `base=a,size=1`.
fn item_text(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Object(fields) => match (fields.get("Soft"), fields.get("Hard")) {
            (Some(soft), Some(hard)) => Some(format!("{soft}:{hard}")),
            (None, None) => {
                let pairs: Option<Vec<String>> = fields
                    .iter()
                    .map(|(key, value)| Some(format!("{key}={}", item_text(value)?)))
                    .collect();
                pairs.map(|pairs| pairs.join(","))
            }
            _ => None,
        },
        Value::Null | Value::Array(_) => None,
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

fn shown(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        many => format!("[{}]", many.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(message(read("-Z")), "unknown flag: -Z");
        assert_eq!(message(read("--host")), "flag needs an argument: --host");
        assert_eq!(message(read("serve")), "\"cortend\" accepts no arguments: serve");
        assert_eq!(
            message(read("--userns-remap default")),
            "--userns-remap is not implemented yet"
        );
        assert_eq!(
            message(read("--storage-driver vfs")),
            "--storage-driver=vfs is not implemented yet"
        );
        assert_eq!(
            message(read("--iptables=false")),
            "--iptables=false is not implemented yet"
        );
        assert!(message(read("--debug=x")).starts_with("invalid argument \"x\" for \"--debug\" flag"));
    }

    #[test]
    fn what_the_moby_harness_always_passes() {
        let line = "--config-file /dev/null --data-root /a --exec-root /b --pidfile /c --userland-proxy=true \
                    --containerd-namespace d --containerd-plugins-namespace dp --containerd /run/c.sock \
                    --host unix:///e --debug --storage-driver overlay2";
        assert!(read(line).is_ok());
    }

    #[test]
    fn the_file_has_keys_of_its_own() {
        let text = r#"{"hosts":["unix:///a"],"debug":true,"mtu":1400,"log-opts":{"max-size":"1m"},
            "default-ulimits":{"nofile":{"Name":"nofile","Hard":2,"Soft":1}},
            "default-address-pools":[{"base":"10.0.0.0/8","size":24}],"bip":null}"#;
        let values = from_file(text).unwrap();
        assert_eq!(values["host"], ["unix:///a"]);
        assert_eq!(values["log-opt"], ["max-size=1m"]);
        assert_eq!(values["default-ulimit"], ["nofile=1:2"]);
        assert_eq!(values["default-address-pool"], ["base=10.0.0.0/8,size=24"]);
        assert_eq!(values["mtu"], ["1400"]);
        assert!(from_file("").unwrap().is_empty());
    }

    #[test]
    fn bad_files_say_what_is_wrong() {
        let unknown = message(from_file(r#"{"bogus":1,"host":[]}"#));
        assert_eq!(
            unknown,
            "the following directives don't match any configuration option: bogus, host"
        );
        assert!(message(from_file("[]")).contains("not an object"));
        assert!(from_file("{").is_err());
        assert_eq!(
            message(from_file(r#"{"debug":"yes"}"#)),
            "invalid value of debug in the configuration"
        );
        let twice = message(merge(read("-D").unwrap(), from_file(r#"{"debug":false}"#).unwrap()));
        assert!(
            twice.ends_with("configuration file: debug: (from flag: true, from file: false)"),
            "{twice}"
        );
    }
}
