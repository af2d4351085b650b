//! A program that may be a plugin, and what is wrong with it if it is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use corten_api::json::DecodeError;
use serde::{Deserialize, Serialize};

use crate::option::pair::reason;

/// The argument by which a plugin says what it is.
const METADATA: &str = "docker-cli-plugin-metadata";

/// What a plugin says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Metadata {
    #[serde(skip_serializing_if = "String::is_empty")]
    schema_version: String,
    /// Who made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) vendor: String,
    /// Its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) version: String,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) short_description: String,
    #[serde(rename = "URL", skip_serializing_if = "String::is_empty")]
    url: String,
}

/// A candidate that was looked at, as `info` shows it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Plugin {
    /// What it says of itself.
    #[serde(flatten)]
    pub(crate) metadata: Metadata,
    /// The command.
    pub(crate) name: String,
    /// The program.
    pub(crate) path: PathBuf,
    /// Why it is none, in Docker's words.
    #[serde(rename = "Err", skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Plugin {
    /// Asks the program what it is. `taken`: whether a command of that name exists without it.
    pub(crate) fn examine(name: &str, path: &Path, taken: bool) -> Self {
        let mut plugin = Self {
            metadata: Metadata::default(),
            name: name.to_owned(),
            path: path.to_owned(),
            error: None,
        };
        plugin.error = match refused(name, taken) {
            Some(why) => Some(why),
            None => match ask(path) {
                Ok(metadata) => {
                    plugin.metadata = metadata;
                    plugin.metadata.wrong()
                }
                Err(why) => Some(why),
            },
        };
        plugin
    }
}

impl Metadata {
    fn wrong(&self) -> Option<String> {
        let schema = &self.schema_version;
        if schema != "0.1.0" {
            return Some(format!("plugin SchemaVersion {schema:?} is not valid, must be 0.1.0"));
        }
        self.vendor
            .is_empty()
            .then(|| "plugin metadata does not define a vendor".to_owned())
    }
}

fn refused(name: &str, taken: bool) -> Option<String> {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(letter) {
        return Some(format!("plugin candidate {name:?} did not match \"^[a-z][a-z0-9]*$\""));
    }
    taken.then(|| format!("plugin {name:?} duplicates builtin command"))
}

fn ask(path: &Path) -> Result<Metadata, String> {
    let output = Command::new(path)
        .arg(METADATA)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| {
            let (path, reason) = (path.display(), reason(&error));
            format!("failed to fetch metadata: fork/exec {path}: {reason}")
        })?;
    match output.status.code() {
        Some(0) => {}
        Some(code) => return Err(format!("failed to fetch metadata: exit status {code}")),
        None => return Err(format!("failed to fetch metadata: {}", output.status)),
    }
    corten_api::json::decode(&output.stdout).map_err(|error| match error {
        DecodeError::Empty => "invalid metadata: unexpected end of JSON input".to_owned(),
        DecodeError::Invalid(why) if why == "unexpected EOF" => {
            "invalid metadata: unexpected end of JSON input".to_owned()
        }
        DecodeError::Invalid(why) => format!("invalid metadata: {why}"),
        DecodeError::Trailing => "invalid metadata: invalid character after top-level value".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_metadata() {
        assert_eq!(refused("compose", false), None);
        assert_eq!(refused("ps", true).unwrap(), "plugin \"ps\" duplicates builtin command");
        for bad in ["bad_name", "1x", "Up", ""] {
            assert!(refused(bad, false).unwrap().contains("did not match"), "{bad}");
        }
        let read = |text: &str| serde_json::from_str::<Metadata>(text).unwrap().wrong();
        assert_eq!(read(r#"{"SchemaVersion":"0.1.0","Vendor":"v","Hidden":true}"#), None);
        assert!(
            read(r#"{"SchemaVersion":"0.2.0","Vendor":"v"}"#)
                .unwrap()
                .contains("must be 0.1.0")
        );
        assert!(read(r#"{"SchemaVersion":"0.1.0"}"#).unwrap().contains("vendor"));
    }
}
