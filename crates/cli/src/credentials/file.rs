//! The entries of `auths` in `config.json`.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use corten_api::auth::AuthConfig;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::config::{RewriteError, rewrite_key};
use crate::credentials::host_of;
use crate::json::Entries;

/// One entry.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    #[serde(skip_serializing_if = "String::is_empty")]
    auth: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    identitytoken: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    registrytoken: String,
}

/// What is kept for a server, under its own name or under an address with its host.
pub(super) fn get(auths: &BTreeMap<String, Entry>, server: &str) -> AuthConfig {
    let entry = auths.get(server).or_else(|| {
        auths
            .iter()
            .find(|(name, _)| host_of(name) == server)
            .map(|(_, entry)| entry)
    });
    let Some(entry) = entry else {
        return AuthConfig::default();
    };
    let (username, password) = decode(&entry.auth);
    AuthConfig {
        username,
        password,
        serveraddress: server.to_owned(),
        identitytoken: entry.identitytoken.clone(),
        registrytoken: entry.registrytoken.clone(),
    }
}

/// Name and password, or nothing of both.
fn decode(auth: &str) -> (String, String) {
    let text = STANDARD
        .decode(auth)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = text.as_deref().and_then(|text| text.split_once(':'));
    let (name, password) = pair.unwrap_or_default();
    (name.to_owned(), password.trim_matches('\0').to_owned())
}

/// Writes an entry; without credentials an empty one, which says that a program has them.
pub(super) fn store(directory: &Path, server: &str, auth: Option<&AuthConfig>) -> Result<(), RewriteError> {
    let entry = auth.map_or_else(Entry::default, |auth| Entry {
        // With a token instead of a password the name alone says whose it is.
        auth: STANDARD.encode(format!("{}:{}", auth.username, auth.password)),
        identitytoken: auth.identitytoken.clone(),
        registrytoken: auth.registrytoken.clone(),
    });
    let entry = serde_json::to_string(&entry).unwrap_or_else(|_| "{}".to_owned());
    rewrite_key(directory, "auths", |old| with(old, server, Some(&entry)))
}

pub(super) fn erase(directory: &Path, server: &str) -> Result<(), RewriteError> {
    rewrite_key(directory, "auths", |old| with(old, server, None))
}

/// The object `auths` with another entry for a server, or without it; the others stay as they are.
fn with(old: Option<&RawValue>, server: &str, entry: Option<&str>) -> Option<String> {
    let entries: Entries<'_> = serde_json::from_str(old.map_or("{}", RawValue::get)).ok()?;
    let others = entries.0.into_iter().filter(|(name, _)| name != server);
    let mut kept: Vec<(String, String)> = others.map(|(name, value)| (name, value.get().to_owned())).collect();
    kept.extend(entry.map(|entry| (server.to_owned(), entry.to_owned())));
    kept.sort();
    let fields: Result<Vec<String>, serde_json::Error> = kept
        .iter()
        .map(|(name, value)| Ok(format!("{}:{value}", serde_json::to_string(name)?)))
        .collect();
    Some(format!("{{{}}}", fields.ok()?.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_and_decoded() {
        let auths: BTreeMap<String, Entry> = serde_json::from_str(
            r#"{"https://reg/v1/":{"auth":"am9lOnNlY3JldA=="},"b":{"identitytoken":"t"},"c":{"auth":"!"}}"#,
        )
        .unwrap();
        let found = get(&auths, "reg");
        assert_eq!((found.username.as_str(), found.password.as_str()), ("joe", "secret"));
        assert_eq!(get(&auths, "b").identitytoken, "t");
        assert_eq!(
            (get(&auths, "c").username.as_str(), get(&auths, "none")),
            ("", AuthConfig::default())
        );
    }

    #[test]
    fn other_entries_stay_as_they_are() {
        let old: Box<RawValue> = serde_json::from_str(r#"{"b":{"x": 1.50},"a":{}}"#).unwrap();
        assert_eq!(
            with(Some(&old), "c", Some("{}")).unwrap(),
            r#"{"a":{},"b":{"x": 1.50},"c":{}}"#
        );
        assert_eq!(with(Some(&old), "b", None).unwrap(), r#"{"a":{}}"#);
        assert_eq!(with(None, "b", None).unwrap(), "{}");
    }
}
