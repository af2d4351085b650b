//! Headers that go with every request: `HttpHeaders` of the configuration file, or `DOCKER_CUSTOM_HEADERS`
//! instead.

use std::env;

use super::ConfigFile;
use crate::option::field;

/// The variable is not a list of pairs. The texts are Docker's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadersError {
    #[error(
        "failed to parse custom headers from DOCKER_CUSTOM_HEADERS environment variable: value must be formatted as comma-separated key=value pairs"
    )]
    List,
    #[error(
        "failed to set custom headers from DOCKER_CUSTOM_HEADERS environment variable: value contains a key=value pair with an empty key: '{0}'"
    )]
    EmptyKey(String),
    #[error(
        "failed to set custom headers from DOCKER_CUSTOM_HEADERS environment variable: missing \"=\" (key=value): '{0}'"
    )]
    Pair(String),
}

/// The headers to send.
pub(crate) fn headers(config: &ConfigFile) -> Result<Vec<(String, String)>, HeadersError> {
    match env::var("DOCKER_CUSTOM_HEADERS") {
        Ok(text) if !text.is_empty() => parse(&text),
        Ok(_) | Err(_) => Ok(config
            .http_headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()),
    }
}

fn parse(text: &str) -> Result<Vec<(String, String)>, HeadersError> {
    let fields = field::split(text).map_err(|_| HeadersError::List)?;
    let pair = |field: String| match field.split_once('=') {
        None => Err(HeadersError::Pair(field)),
        Some((name, _)) if name.trim().is_empty() => Err(HeadersError::EmptyKey(field)),
        Some((name, value)) => Ok((name.trim().to_owned(), value.to_owned())),
    };
    fields.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(parse("A=b,\"C=d,e\"").unwrap(), [pair("A", "b"), pair("C", "d,e")]);
        assert_eq!(parse("A").unwrap_err(), HeadersError::Pair("A".to_owned()));
        assert_eq!(parse("=x").unwrap_err(), HeadersError::EmptyKey("=x".to_owned()));
        assert_eq!(parse("a=\"b").unwrap_err(), HeadersError::List);
    }
}
