//! `--gpus all|N|device=..,capabilities=..`.

use std::collections::BTreeMap;

use corten_api::container::DeviceRequest;
use corten_api::{List, Map};

use super::field::{self, FieldError};

/// The text is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GpuError {
    #[error("{0}")]
    Fields(#[from] FieldError),
    #[error("gpu request key '{0}' can be specified only once")]
    Twice(String),
    #[error("unexpected key '{key}' in '{field}'")]
    Key { key: String, field: String },
    #[error("invalid count ({0}): value must be either \"all\" or an integer: invalid syntax")]
    Count(String),
}

/// Reads one request.
pub(crate) fn parse(text: &str) -> Result<DeviceRequest, GpuError> {
    let mut request = DeviceRequest::default();
    let mut seen = Vec::new();
    let mut counted = false;
    for field in field::split(text)? {
        let (key, value) = field.split_once('=').unwrap_or(("count", &field));
        if seen.iter().any(|earlier| earlier == key) {
            return Err(GpuError::Twice(key.to_owned()));
        }
        seen.push(key.to_owned());
        match key {
            "driver" => request.driver = value.to_owned(),
            "count" => {
                counted = true;
                request.count = count(value)?;
            }
            "device" => request.device_ids = value.split(',').map(str::to_owned).collect(),
            "capabilities" => {
                let names: Vec<String> = value.split(',').map(str::to_owned).chain(["gpu".to_owned()]).collect();
                request.capabilities = List::from(vec![List::from(names)]);
            }
            "options" => request.options = options(value)?,
            _ => {
                return Err(GpuError::Key {
                    key: key.to_owned(),
                    field: field.clone(),
                });
            }
        }
    }
    if !counted && request.device_ids.is_empty() {
        request.count = 1;
    }
    if request.options.is_null() {
        request.options = Map::empty();
    }
    if request.capabilities.is_empty() {
        request.capabilities = List::from(vec![List::from(vec!["gpu".to_owned()])]);
    }
    Ok(request)
}

fn count(text: &str) -> Result<i64, GpuError> {
    if text == "all" {
        Ok(-1)
    } else {
        text.parse().map_err(|_| GpuError::Count(text.to_owned()))
    }
}

fn options(text: &str) -> Result<Map<String>, GpuError> {
    let pairs = field::split(text)?.into_iter().map(|pair| match pair.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (pair, String::new()),
    });
    Ok(Map::from(pairs.collect::<BTreeMap<_, _>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        assert_eq!(parse("all").unwrap().count, -1);
        assert_eq!(parse("2").unwrap().count, 2);
        let request = parse("\"device=0,1\"").unwrap();
        assert_eq!((request.count, request.device_ids.len()), (0, 2));
        assert!(parse("x").is_err());
        assert!(parse("count=1,count=2").is_err());
    }
}
