//! Options of the `json-file` log driver (pure).

use std::collections::BTreeMap;

use corten_api::Map;

use crate::error::{Error, Result};

/// How a log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A new file begins beyond this many bytes; zero: never.
    pub max_size_bytes: u64,
    /// How many files in all.
    pub max_files: u32,
    /// Labels whose values are recorded with each line.
    pub labels: Vec<String>,
    /// Variables whose values are recorded with each line.
    pub variables: Vec<String>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            max_size_bytes: 64 << 20,
            max_files: 4,
            labels: Vec::new(),
            variables: Vec::new(),
        }
    }
}

impl LogSettings {
    /// The attributes of a container with these labels and variables.
    #[must_use]
    pub fn attributes(&self, labels: &Map<String>, env: &[String]) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::new();
        for label in &self.labels {
            if let Some(value) = labels.get(label) {
                attributes.insert(label.clone(), value.clone());
            }
        }
        for (name, value) in env.iter().filter_map(|variable| variable.split_once('=')) {
            if self.variables.iter().any(|wanted| wanted == name) {
                attributes.insert(name.to_owned(), value.to_owned());
            }
        }
        attributes
    }
}

/// Reads the options; unknown ones are refused.
pub fn parse(options: &Map<String>) -> Result<LogSettings> {
    let mut settings = LogSettings::default();
    let list = |value: &str| value.split(',').map(str::to_owned).collect();
    for (key, value) in options {
        match key.as_str() {
            "max-size" if value == "-1" => settings.max_size_bytes = 0,
            "max-size" => {
                settings.max_size_bytes = corten_base::size::parse_binary(value)
                    .map_err(|error| Error::invalid(format!("invalid value for max-size: {error}")))?;
            }
            "max-file" => {
                let files = value.parse().ok().filter(|files| *files > 0);
                settings.max_files =
                    files.ok_or_else(|| Error::invalid("max-file cannot be less than 1".to_owned()))?;
            }
            "labels" => settings.labels = list(value),
            "env" => settings.variables = list(value),
            // What is done anyway.
            "compress" if matches!(value.as_str(), "false" | "False" | "FALSE" | "f" | "F" | "0") => {}
            "mode" if value == "blocking" => {}
            "compress" | "mode" | "max-buffer-size" | "labels-regex" | "env-regex" | "tag" | "cache-disabled"
            | "cache-max-file" | "cache-max-size" | "cache-compress" => {
                return Err(Error::not_implemented(format!(
                    "log option '{key}' is not supported by this version of Corten"
                )));
            }
            other => {
                return Err(Error::invalid(format!(
                    "unknown log opt '{other}' for json-file log driver"
                )));
            }
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Result<LogSettings> {
        parse(&[(key.to_owned(), value.to_owned())].into_iter().collect())
    }

    #[test]
    fn options() {
        assert_eq!(one("max-size", "10m").unwrap().max_size_bytes, 10 << 20);
        assert_eq!(one("max-size", "-1").unwrap().max_size_bytes, 0);
        assert_eq!(one("max-file", "3").unwrap().max_files, 3);
        assert_eq!(
            one("bogus", "1").unwrap_err().message,
            "unknown log opt 'bogus' for json-file log driver"
        );
        assert!(one("compress", "false").is_ok() && one("mode", "blocking").is_ok());
        assert!(one("compress", "true").is_err() && one("mode", "non-blocking").is_err());
        assert!(one("max-file", "0").is_err() && one("max-size", "x").is_err());
    }
}
