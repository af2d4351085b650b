//! Bodies that Docker's own client (28.2) sent for the same arguments, recorded from the wire.
//!
//! `recorded.jsonl` has the whole body of the first case, and for each further one the entries that
//! differ from it.

use serde_json::Value;

use super::{FLAGS, compile};
use crate::flag::{Rules, parse};

#[test]
fn bodies_are_dockers() {
    let mut base = Value::Null;
    let mut count = 0;
    for line in include_str!("recorded.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let arguments: Vec<String> = serde_json::from_value(case["arguments"].clone()).unwrap();
        let expected = match case.get("body") {
            Some(body) => {
                base = body.clone();
                body.clone()
            }
            None => patched(&base, &case["differs"]),
        };
        assert_eq!(
            differences(&expected, &body_of(&arguments), ""),
            Vec::<String>::new(),
            "{arguments:?}"
        );
        count += 1;
    }
    assert!(count > 50, "{count} recorded cases");
}

fn body_of(arguments: &[String]) -> Value {
    let rules = Rules {
        tables: &[FLAGS],
        interspersed: false,
    };
    let parsed = parse(rules, arguments.iter().cloned()).unwrap();
    serde_json::to_value(compile(&parsed).unwrap()).unwrap()
}

/// RFC 7396's merge, but for the networks, which are recorded whole.
fn patched(base: &Value, patch: &Value) -> Value {
    let (Value::Object(base), Value::Object(patch)) = (base, patch) else {
        return patch.clone();
    };
    let mut merged = base.clone();
    for (key, value) in patch {
        let old = base
            .get(key)
            .filter(|old| old.as_object().is_some_and(|old| !old.is_empty()));
        let new = match old {
            Some(old) if key != "NetworkingConfig" => patched(old, value),
            Some(_) | None => value.clone(),
        };
        merged.insert(key.clone(), new);
    }
    Value::Object(merged)
}

fn differences(expected: &Value, found: &Value, path: &str) -> Vec<String> {
    let (Value::Object(left), Value::Object(right)) = (expected, found) else {
        return if expected == found {
            Vec::new()
        } else {
            vec![format!("{path}: {expected} but {found}")]
        };
    };
    let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
    keys.flat_map(|key| {
        let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
        differences(&of(left), &of(right), &format!("{path}.{key}"))
    })
    .collect()
}
