//! `--docker key=value,..`: what an engine's endpoint is made of.

use std::fs;
use std::path::Path;

use corten_client::Tls;

use super::store::failed;
use super::{ContextError, Material};
use crate::flag::parse_bool;

/// The keys that may be set.
const KEYS: [&str; 6] = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

/// An endpoint as it was asked for.
#[derive(Debug)]
pub(crate) enum Settings {
    /// That of another context.
    From(String),
    /// A new one.
    New {
        host: String,
        skip_verify: bool,
        material: Material,
    },
}

/// Reads the pairs. The material is read from its files and looked at.
pub(crate) fn settings(pairs: &[(String, String)]) -> Result<Settings, ContextError> {
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
        return Err(ContextError::Key(key.clone()));
    }
    // Of two equal keys the last one counts.
    let get = |key: &str| {
        let found = pairs.iter().rev().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    if let Some(from) = get("from") {
        return Ok(Settings::From(from.to_owned()));
    }
    let skip_verify = match get("skip-tls-verify") {
        Some(text) => parse_bool(text).map_err(|_| ContextError::Bool(text.to_owned()))?,
        None => false,
    };
    let tls = Tls {
        ca: pem(get("ca"), "ca.pem", "CERTIFICATE")?,
        cert: pem(get("cert"), "cert.pem", "CERTIFICATE")?,
        key: pem(get("key"), "key.pem", "PRIVATE KEY")?,
        skip_verify,
    };
    Ok(Settings::New {
        host: get("host").unwrap_or_default().to_owned(),
        skip_verify,
        material: Material::of(Some(tls)),
    })
}

fn pem(path: Option<&str>, name: &'static str, content: &str) -> Result<Option<Vec<u8>>, ContextError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let bytes = fs::read(path).map_err(|error| failed("open", Path::new(path), &error))?;
    let text = String::from_utf8_lossy(&bytes);
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{content}-----"));
    match text.lines().any(begins) {
        true => Ok(Some(bytes)),
        false => Err(ContextError::Pem(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        settings(&pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_pairs() {
        assert!(matches!(read(&[("from", "x"), ("host", "y")]), Ok(Settings::From(name)) if name == "x"));
        let read_host = read(&[("host", "tcp://a:1"), ("skip-tls-verify", "true")]);
        assert!(matches!(read_host, Ok(Settings::New { skip_verify: true, host, .. }) if host == "tcp://a:1"));
        for (pairs, text) in [
            (&[("foo", "bar")][..], "unrecognized config key: foo"),
            (
                &[("skip-tls-verify", "x")],
                "skip-tls-verify: parsing \"x\": invalid syntax",
            ),
            (&[("ca", "/nope")], "open /nope: no such file or directory"),
        ] {
            assert_eq!(read(pairs).map(drop).unwrap_err(), text);
        }
    }
}
