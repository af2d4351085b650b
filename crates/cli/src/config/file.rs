//! `config.json` in `DOCKER_CONFIG` or `~/.docker`: read only, and only when a command needs it.

use std::env;
use std::path::PathBuf;

use serde::Deserialize;

/// The keys this client knows.
#[derive(Debug, Default, Deserialize)]
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
    /// The context chosen with `context use`.
    pub(crate) current_context: String,
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
        let Ok(bytes) = std::fs::read(&path) else {
            return Self::default();
        };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            eprintln!("WARNING: Error loading config file: {}: {error}", path.display());
            Self::default()
        })
    }
}
