//! The record of calls: what tests use to say which endpoint, query parameter and body field is proven.
//!
//! With `CORTEN_CALLS_FILE` naming a file, every answered call appends one line of JSON to it: method, path, the
//! query's keys, the keys that were looked at, the body's fields that say something, the status. With
//! `CORTEN_CALLS_BLIND` saying `GET /containers/{id}/json size`, that key of such calls is taken away, to see which test
//! notices. Builds without `debug_assertions` contain none of it. Values are never written: they may be secrets.

use http::Method;

/// What is known of one call so far.
#[derive(Debug, Clone, Default)]
pub struct Record {
    #[cfg(debug_assertions)]
    seen: std::sync::Arc<std::sync::Mutex<armed::Seen>>,
}

impl Record {
    /// A key of the query is looked at.
    #[inline]
    pub(super) fn reads(&self, key: &str) {
        #[cfg(debug_assertions)]
        armed::reads(&self.seen, key);
        #[cfg(not(debug_assertions))]
        let _: &str = key;
    }

    /// The body was read.
    #[inline]
    pub(super) fn body(&self, bytes: &[u8]) {
        #[cfg(debug_assertions)]
        armed::body(&self.seen, bytes);
        #[cfg(not(debug_assertions))]
        let _: &[u8] = bytes;
    }

    /// The call is answered.
    #[inline]
    pub fn answered(&self, method: &Method, uri: &http::Uri, status: http::StatusCode) {
        #[cfg(debug_assertions)]
        armed::answered(&self.seen, method, uri, status);
        #[cfg(not(debug_assertions))]
        let _ = (method, uri, status);
    }
}

/// Takes away what is to be overlooked.
#[inline]
pub(super) fn blind(method: &Method, path: &str, pairs: &mut Vec<(String, String)>) {
    #[cfg(debug_assertions)]
    armed::blind(method, path, pairs);
    #[cfg(not(debug_assertions))]
    let _ = (method, path, pairs);
}

#[cfg(debug_assertions)]
mod armed {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io::Write as _;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use http::{Method, StatusCode, Uri};
    use serde_json::Value;

    /// How deep fields of a body are told: `NetworkingConfig.EndpointsConfig.net.IPAMConfig`.
    const DEPTH: usize = 4;

    #[derive(Debug, Default)]
    pub(super) struct Seen {
        read: BTreeSet<String>,
        fields: Vec<String>,
    }

    fn file() -> Option<&'static File> {
        static FILE: OnceLock<Option<File>> = OnceLock::new();
        let open = || {
            let path = std::env::var_os("CORTEN_CALLS_FILE")?;
            File::options().create(true).append(true).open(path).ok()
        };
        FILE.get_or_init(open).as_ref()
    }

    pub(super) fn blind(method: &Method, path: &str, pairs: &mut Vec<(String, String)>) {
        static BLIND: OnceLock<Option<String>> = OnceLock::new();
        let blind = BLIND.get_or_init(|| std::env::var("CORTEN_CALLS_BLIND").ok());
        let Some(blind) = blind else { return };
        let mut words = blind.split(' ');
        let (Some(verb), Some(pattern), Some(hidden)) = (words.next(), words.next(), words.next()) else {
            return;
        };
        if verb == method.as_str() && fits(pattern, path) {
            pairs.retain(|(key, _)| key != hidden);
        }
    }

    /// Whether a path, with a version or without, is of the pattern.
    fn fits(pattern: &str, path: &str) -> bool {
        let mut segments: Vec<&str> = path.split('/').skip(1).collect();
        if segments.first().is_some_and(|first| first.starts_with("v1.")) {
            segments.remove(0);
        }
        let pattern: Vec<&str> = pattern.split('/').skip(1).collect();
        pattern.len() == segments.len()
            && pattern
                .iter()
                .zip(&segments)
                .all(|(want, is)| want.starts_with('{') || want == is)
    }

    pub(super) fn reads(seen: &Mutex<Seen>, key: &str) {
        if file().is_some() {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.read.insert(key.to_owned());
        }
    }

    pub(super) fn body(seen: &Mutex<Seen>, bytes: &[u8]) {
        if file().is_some() {
            let body = serde_json::from_slice(bytes).unwrap_or_default();
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            fields(&body, "", DEPTH, &mut seen.fields);
        }
    }

    pub(super) fn answered(seen: &Mutex<Seen>, method: &Method, uri: &Uri, status: StatusCode) {
        let Some(mut file) = file() else { return };
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = corten_api::query::pairs(uri.query().unwrap_or_default());
        let sent: BTreeSet<String> = sent.into_iter().map(|(key, _)| key).collect();
        let line = serde_json::json!({
            "method": method.as_str(),
            "path": uri.path(),
            "query": sent,
            "read": seen.read,
            "body": seen.fields,
            "status": status.as_u16(),
        });
        // One write for one line, so that calls side by side do not mix; a record that cannot be written is missed
        // by whoever reads it.
        drop(file.write_all(format!("{line}\n").as_bytes()));
    }

    /// The paths of all fields that are not null, false, zero or empty.
    fn fields(value: &Value, path: &str, depth: usize, into: &mut Vec<String>) {
        let Value::Object(object) = value else { return };
        for (name, value) in object.iter().filter(|(_, value)| says_something(value)) {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            if depth > 1 {
                fields(value, &path, depth - 1, into);
            }
            into.push(path);
        }
    }

    fn says_something(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            // `80/tcp` and paths are told by their names alone.
            Value::Object(object) => object
                .iter()
                .any(|(name, value)| says_something(value) || (name.contains('/') && value.is_object())),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn patterns_fit_paths() {
            assert!(fits("/containers/{id}/json", "/v1.51/containers/a/json"));
            assert!(fits("/info", "/info"));
            assert!(!fits("/containers/{id}/json", "/v1.51/containers/json"));
        }

        #[test]
        fn only_fields_that_say_something_are_told() {
            let body = serde_json::json!({
                "Image": "x", "Tty": false, "Cmd": [], "HostConfig": {"Memory": 5, "CpuShares": 0, "Init": true},
                "ExposedPorts": {"80/tcp": {}},
            });
            let mut found = Vec::new();
            fields(&body, "", DEPTH, &mut found);
            found.sort();
            assert_eq!(
                found,
                [
                    "ExposedPorts",
                    "HostConfig",
                    "HostConfig.Init",
                    "HostConfig.Memory",
                    "Image"
                ]
            );
        }
    }
}
