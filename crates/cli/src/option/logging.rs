//! `--log-driver` with its `--log-opt`, and `--storage-opt`.

use std::collections::BTreeMap;

use corten_api::Map;
use corten_api::container::LogConfig;

use super::pair;

/// Options that cannot be combined or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoggingError {
    #[error("invalid logging opts for driver none")]
    NoneWithOptions,
    #[error("invalid storage option")]
    Storage,
}

/// The logging configuration; an empty driver leaves the choice to the engine.
pub(crate) fn parse<'a>(driver: &str, options: impl Iterator<Item = &'a str>) -> Result<LogConfig, LoggingError> {
    let config = pair::map(options);
    if driver == "none" && !config.is_empty() {
        return Err(LoggingError::NoneWithOptions);
    }
    Ok(LogConfig {
        kind: driver.to_owned(),
        config,
    })
}

/// Storage options; `null` without any.
pub(crate) fn storage<'a>(options: impl Iterator<Item = &'a str>) -> Result<Map<String>, LoggingError> {
    let mut map = BTreeMap::new();
    for option in options {
        let (key, value) = option.split_once('=').ok_or(LoggingError::Storage)?;
        map.insert(key.to_owned(), value.to_owned());
    }
    Ok(Map::from(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let config = parse("json-file", ["max-size=1m"].into_iter()).unwrap();
        assert_eq!(config.config["max-size"], "1m");
        assert_eq!(parse("none", ["a=b"].into_iter()), Err(LoggingError::NoneWithOptions));
        assert_eq!(storage(["x"].into_iter()).map(drop), Err(LoggingError::Storage));
    }
}
