//! `daemon.json` as plain values: its keys by flag name, its shapes as the flags would have them. Complaints are
//! those of Go's JSON decoder, as dockerd passes them on.

use serde_json::Value;

use super::check;
use super::flag::{Flag, Kind, by_key};
use super::values::{Values, ValuesError, keep};

/// Reads the text of a configuration file. Empty text is an empty configuration.
///
/// # Errors
/// The first thing wrong with it.
pub fn from_file(text: &str) -> Result<Values, ValuesError> {
    if text.trim().is_empty() {
        return Ok(Values::new());
    }
    let document: Value = serde_json::from_str(text).map_err(|error| syntax_error(text, &error))?;
    let Value::Object(keys) = document else {
        let what = type_of(&document);
        let complaint = format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}");
        return Err(ValuesError::Json(complaint));
    };
    let unknown: Vec<&str> = keys
        .keys()
        .filter(|key| *key != PROXIES && by_key(key).is_none())
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        return Err(ValuesError::UnknownKeys(unknown.join(", ")));
    }
    let mut values = Values::new();
    for (key, value) in &keys {
        match (key.as_str(), value) {
            (PROXIES, Value::Object(proxies)) => {
                for (key, value) in proxies {
                    put(&mut values, key, value)?;
                }
            }
            (PROXIES, Value::Null) => {}
            (PROXIES, other) => return Err(mismatch(PROXIES, other, "config.Proxies")),
            (key, value) => put(&mut values, key, value)?,
        }
    }
    Ok(values)
}

/// The one key whose flags lie a level deeper.
const PROXIES: &str = "proxies";

/// What Go's decoder says about text that is no JSON.
fn syntax_error(text: &str, error: &serde_json::Error) -> ValuesError {
    let at = text.lines().nth(error.line().saturating_sub(1)).and_then(|line| {
        let bytes = line.as_bytes();
        bytes.get(error.column().saturating_sub(1)).copied()
    });
    ValuesError::Json(match (error.is_eof(), at) {
        (true, _) => "unexpected end of JSON input".to_owned(),
        (false, Some(byte)) if error.to_string().starts_with("trailing characters") => {
            format!("invalid character {:?} after top-level value", char::from(byte))
        }
        _ => error.to_string(),
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn mismatch(field: &str, value: &Value, wanted: &str) -> ValuesError {
    ValuesError::Json(format!(
        "json: cannot unmarshal {} into Go struct field Config.{field} of type {wanted}",
        type_of(value)
    ))
}

/// Checks one key's value and keeps it.
fn put(values: &mut Values, key: &str, value: &Value) -> Result<(), ValuesError> {
    let Some(flag) = by_key(key) else {
        return Err(ValuesError::UnknownKeys(key.to_owned()));
    };
    if flag.name == "cdi-spec-dir" && value.is_array() {
        // No directory at all is not the same as nothing said.
        values.entry(flag.name).or_default();
    }
    for text in texts(flag, key, value)? {
        check::one(flag, &text).map_err(|why| {
            if check::is_typed(flag) {
                ValuesError::Json(why)
            } else {
                ValuesError::Merged(why)
            }
        })?;
        keep(values, flag, text)?;
    }
    Ok(())
}

/// The value as the flag would have it, once or several times.
fn texts(flag: &Flag, key: &str, value: &Value) -> Result<Vec<String>, ValuesError> {
    let one = |value: &Value| item_text(value).ok_or_else(|| mismatch(key, value, "string"));
    let wanted = match (flag.kind, value) {
        (_, Value::Null) | (Kind::Any, _) => return Ok(Vec::new()),
        (Kind::Bool, Value::Bool(_)) | (Kind::Text, Value::String(_)) => return Ok(vec![one(value)?]),
        (Kind::Number, Value::Number(number)) if number.is_i64() => return Ok(vec![one(value)?]),
        (Kind::Size, Value::String(_) | Value::Number(_)) => return Ok(vec![one(value)?]),
        (Kind::List, Value::Array(items)) => {
            let text = |item: &Value| {
                item.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| mismatch(key, item, "string"))
            };
            return items.iter().map(text).collect();
        }
        (Kind::Objects, Value::Array(items)) => return items.iter().map(one).collect(),
        (Kind::Objects, Value::Object(entries)) => {
            let pair = |(name, item): (&String, &Value)| {
                format!("{name}={}", item_text(item).unwrap_or_else(|| item.to_string()))
            };
            return Ok(entries.iter().map(pair).collect());
        }
        (Kind::Map | Kind::BoolMap, Value::Object(entries)) => {
            return entries
                .iter()
                .map(|(name, item)| entry(flag, key, name, item))
                .collect();
        }
        (Kind::Bool, _) => "bool",
        (Kind::Number, _) => "int",
        (Kind::Text | Kind::Size, _) => "string",
        (Kind::List | Kind::Objects, _) => "[]string",
        (Kind::Map, _) => "map[string]string",
        (Kind::BoolMap, _) => "map[string]bool",
    };
    Err(mismatch(key, value, wanted))
}

fn entry(flag: &Flag, key: &str, name: &str, item: &Value) -> Result<String, ValuesError> {
    let wrong = |wanted| mismatch(&format!("{key}.{name}"), item, wanted);
    match (flag.kind, item) {
        (Kind::Map, Value::String(text)) => Ok(format!("{name}={text}")),
        (Kind::BoolMap, Value::Bool(on)) => Ok(format!("{name}={on}")),
        (Kind::BoolMap, _) => Err(wrong("bool")),
        _ => Err(wrong("string")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, ValuesError>) -> String {
        result.unwrap_err().to_string()
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
        for (text, complaint) in [
            (
                "[]",
                "invalid JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ),
            ("{", "invalid JSON: unexpected end of JSON input"),
            ("{} x", "invalid JSON: invalid character 'x' after top-level value"),
            (
                r#"{"debug":"yes"}"#,
                "invalid JSON: json: cannot unmarshal string into Go struct field Config.debug of type bool",
            ),
            (
                r#"{"mtu":"x"}"#,
                "invalid JSON: json: cannot unmarshal string into Go struct field Config.mtu of type int",
            ),
            (
                r#"{"hosts":"unix:///x"}"#,
                "invalid JSON: json: cannot unmarshal string into Go struct field Config.hosts of type []string",
            ),
            (
                r#"{"log-opts":{"a":1}}"#,
                "invalid JSON: json: cannot unmarshal number into Go struct field Config.log-opts.a of type string",
            ),
            (
                r#"{"features":{"a":"x"}}"#,
                "invalid JSON: json: cannot unmarshal string into Go struct field Config.features.a of type bool",
            ),
            (
                r#"{"labels":[1]}"#,
                "invalid JSON: json: cannot unmarshal number into Go struct field Config.labels of type string",
            ),
            (r#"{"dns":["x"]}"#, "invalid JSON: invalid IP address: x"),
        ] {
            assert_eq!(message(from_file(text)), complaint, "{text}");
        }
        let merged = message(from_file(r#"{"labels":["a"]}"#));
        assert!(
            merged.ends_with("command line flags failed: bad attribute format: a"),
            "{merged}"
        );
    }

    #[test]
    fn every_key_of_docker_is_known() {
        let text = r#"{"builder":{"gc":{"enabled":true}},"deprecated-key-path":"x","cri-containerd":true,
            "allow-nondistributable-artifacts":["x"],"containerd":"/x","raw-logs":true,"node-generic-resources":["a=1"],
            "runtimes":{"a":{"path":"/x","runtimeArgs":["b"]}},"default-shm-size":"64M","experimental":true}"#;
        from_file(text).unwrap();
        assert!(from_file(r#"{"Debug":true}"#).is_err());
    }
}
