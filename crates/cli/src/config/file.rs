//! `config.json` in `DOCKER_CONFIG` or `~/.docker`: read when a command needs it, changed key by key.
//!
//! The file is the user's and other programs' too: a change keeps every other key, known or not, in its
//! place and as it is written. What is not JSON is never written over.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use corten_api::json::DecodeError;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, Entries};
use crate::option::pair::reason;

/// The keys this client knows.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ConfigFile {
    /// Detach sequence for attach, run, exec and start.
    pub(crate) detach_keys: String,
    /// `ps`' template.
    pub(crate) ps_format: String,
    /// `images`' template.
    pub(crate) images_format: String,
    /// `network ls`' template.
    pub(crate) networks_format: String,
    /// `volume ls`' template.
    pub(crate) volumes_format: String,
    /// `stats`' template.
    pub(crate) stats_format: String,
    /// Filters of every `prune`.
    pub(crate) prune_filters: Vec<String>,
    /// The context chosen with `context use`.
    pub(crate) current_context: String,
    /// Headers of every request.
    #[serde(rename = "HttpHeaders")]
    pub(crate) http_headers: BTreeMap<String, String>,
    /// Proxies for the containers that are made, by engine's address or `default`.
    pub(crate) proxies: BTreeMap<String, Proxy>,
    /// Credentials for registries.
    pub(crate) auths: BTreeMap<String, crate::credentials::Entry>,
    /// The program that keeps credentials.
    #[serde(rename = "credsStore")]
    pub(crate) credentials_store: String,
    /// Other programs that do, by registry.
    #[serde(rename = "credHelpers")]
    pub(crate) credential_helpers: BTreeMap<String, String>,
    /// Commands that a plugin takes over; Docker knows `builder`.
    pub(crate) aliases: BTreeMap<String, String>,
    /// Further directories with plugins.
    #[serde(rename = "cliPluginsExtraDirs")]
    pub(crate) plugin_directories: Vec<String>,
}

/// The proxies of one engine.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Proxy {
    pub(crate) http_proxy: String,
    pub(crate) https_proxy: String,
    pub(crate) no_proxy: String,
    pub(crate) ftp_proxy: String,
    pub(crate) all_proxy: String,
}

/// The file could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RewriteError {
    #[error("cannot change {path}: it is not a JSON object: {reason}")]
    Broken { path: String, reason: String },
    #[error("{act} {path}: {reason}")]
    File {
        act: &'static str,
        path: String,
        reason: String,
    },
}

/// The directory of the client's configuration.
pub(crate) fn directory(given: Option<&str>) -> PathBuf {
    if let Some(path) = given {
        return PathBuf::from(path);
    }
    match env::var_os("DOCKER_CONFIG") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        Some(_) | None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".docker"),
    }
}

impl ConfigFile {
    /// Reads the file; a missing one is empty, a broken one is said on stderr and empty.
    pub(crate) fn read(given: Option<&str>) -> Self {
        let path = directory(given).join("config.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                let path = path.display();
                crate::speech::tell(&format!(
                    "WARNING: Error loading config file: open {path}: {}",
                    reason(&error)
                ));
                return Self::default();
            }
        };
        parse(&bytes).unwrap_or_else(|why| {
            crate::speech::tell(&format!(
                "WARNING: Error parsing config file ({}): {why}",
                path.display()
            ));
            Self::default()
        })
    }
}

/// The error is in Go's words, as Docker's client has it.
pub(crate) fn parse(bytes: &[u8]) -> Result<ConfigFile, String> {
    match corten_api::json::decode(bytes) {
        Ok(config) => Ok(config),
        Err(DecodeError::Empty) => Ok(ConfigFile::default()),
        Err(DecodeError::Trailing) => Err("invalid character after top-level value".to_owned()),
        Err(DecodeError::Invalid(why)) => Err(why
            .replace("Go struct field .", "Go struct field ConfigFile.")
            .replace("of type ConfigFile", "of type configfile.ConfigFile")),
    }
}

/// Sets top-level texts; an empty one removes its key. The file's mode stays; a new one is private.
pub(crate) fn rewrite(directory: &Path, changes: &[(&str, &str)]) -> Result<(), RewriteError> {
    rewrite_by(directory, |old| changed(old, changes))
}

/// Sets a top-level value to what `change` makes of the one that is there; `None` leaves it.
pub(crate) fn rewrite_key(
    directory: &Path,
    key: &str,
    change: impl FnOnce(Option<&RawValue>) -> Option<String>,
) -> Result<(), RewriteError> {
    rewrite_by(directory, |old| with_value(old, key, change))
}

fn rewrite_by(
    directory: &Path,
    change: impl FnOnce(&str) -> Result<String, serde_json::Error>,
) -> Result<(), RewriteError> {
    let link = directory.join("config.json");
    // The file behind a link is changed, the link stays.
    let path = fs::canonicalize(&link).unwrap_or(link);
    let failed = |act: &'static str| {
        let path = path.display().to_string();
        move |error: io::Error| RewriteError::File {
            act,
            path: path.clone(),
            reason: reason(&error),
        }
    };
    let old = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed("open")(error)),
    };
    let new = change(&old).map_err(|error| RewriteError::Broken {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let parent = path.parent().unwrap_or(directory);
    fs::create_dir_all(parent).map_err(failed("mkdir"))?;
    let mode = fs::metadata(&path).map_or(0o600, |found| found.permissions().mode() & 0o777);
    let temporary = parent.join(format!("config.json.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&temporary)
        .and_then(|mut file| file.write_all(new.as_bytes()))
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // The first failure is what the user must see.
        fs::remove_file(&temporary).ok();
    }
    written.map_err(failed("write"))
}

/// The text with the changes, indented with tabs like Docker's. Keys that were there stay where they were.
fn changed(old: &str, changes: &[(&str, &str)]) -> Result<String, serde_json::Error> {
    let old = if old.trim().is_empty() { "{\"auths\":{}}" } else { old };
    let Entries(entries) = serde_json::from_str(old)?;
    let mut entries: Vec<(String, String)> = entries
        .into_iter()
        .map(|(key, value): (String, &RawValue)| (key, value.get().to_owned()))
        .collect();
    for (key, value) in changes {
        let found = entries.iter().position(|(name, _)| name.eq_ignore_ascii_case(key));
        let text = serde_json::to_string(value)?;
        match (found, value.is_empty()) {
            (Some(at), true) => drop(entries.remove(at)),
            (Some(at), false) => entries[at].1 = text,
            (None, true) => {}
            (None, false) => entries.push(((*key).to_owned(), text)),
        }
    }
    let fields = entries
        .iter()
        .map(|(key, value)| Ok(format!("{}:{value}", serde_json::to_string(key)?)));
    let fields: Result<Vec<String>, serde_json::Error> = fields.collect();
    json::indent_with(&format!("{{{}}}", fields?.join(",")), "\t")
}

/// The text with another value under a key, laid out as by [`changed`].
fn with_value(
    old: &str,
    key: &str,
    change: impl FnOnce(Option<&RawValue>) -> Option<String>,
) -> Result<String, serde_json::Error> {
    let old = if old.trim().is_empty() { "{}" } else { old };
    let Entries(entries) = serde_json::from_str(old)?;
    let found = entries.iter().position(|(name, _): &(String, &RawValue)| name == key);
    let value = change(found.and_then(|at| entries.get(at)).map(|(_, value)| *value));
    let mut texts: Vec<(String, String)> = entries
        .into_iter()
        .map(|(name, value)| (name, value.get().to_owned()))
        .collect();
    if let Some(value) = value {
        match found.and_then(|at| texts.get_mut(at)) {
            Some((_, text)) => *text = value,
            None => texts.push((key.to_owned(), value)),
        }
    }
    let fields = texts
        .iter()
        .map(|(name, value)| Ok(format!("{}:{value}", serde_json::to_string(name)?)));
    let fields: Result<Vec<String>, serde_json::Error> = fields.collect();
    json::indent_with(&format!("{{{}}}", fields?.join(",")), "\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_files_are_told_in_gos_words() {
        for (text, why) in [
            (
                "{bad",
                "invalid character 'b' looking for beginning of object key string",
            ),
            (
                "[]",
                "json: cannot unmarshal array into Go value of type configfile.ConfigFile",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), why, "{text}");
        }
        assert!(parse(b"").is_ok());
        let config = parse(br#"{"HttpHeaders":{"X-A":"b"},"cliPluginsExtraDirs":["/p"],"psFormat":null}"#).unwrap();
        assert_eq!(config.http_headers["X-A"], "b");
        assert_eq!(config.plugin_directories, ["/p"]);
    }

    #[test]
    fn changes_keep_everything_else() {
        let old = r#"{"zzz": [1,2.50], "currentContext":"a", "auths":{}}"#;
        assert_eq!(
            changed(old, &[("currentContext", "b")]).unwrap(),
            "{\n\t\"zzz\": [\n\t\t1,\n\t\t2.50\n\t],\n\t\"currentContext\": \"b\",\n\t\"auths\": {}\n}"
        );
        assert!(
            !changed(old, &[("currentContext", "")])
                .unwrap()
                .contains("currentContext")
        );
        assert_eq!(
            changed("", &[("currentContext", "b")]).unwrap(),
            "{\n\t\"auths\": {},\n\t\"currentContext\": \"b\"\n}"
        );
        assert!(changed("{bad", &[]).is_err());
    }
}
