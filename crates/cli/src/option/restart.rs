//! `--restart no|always|unless-stopped|on-failure[:max]`.

use corten_api::container::RestartPolicy;

/// The text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestartError {
    #[error("invalid restart policy format: no policy provided before colon")]
    NoPolicy,
    #[error("invalid restart policy format: maximum retry count must be an integer")]
    Count,
}

/// Reads a policy; its name is checked by the engine.
pub(crate) fn parse(text: &str) -> Result<RestartPolicy, RestartError> {
    let (name, count) = match text.split_once(':') {
        Some(("", _)) => return Err(RestartError::NoPolicy),
        Some((name, count)) => (name, Some(count)),
        None => (text, None),
    };
    let maximum_retry_count = match count {
        None | Some("") => 0,
        Some(count) => count.parse().map_err(|_| RestartError::Count)?,
    };
    Ok(RestartPolicy {
        name: name.to_owned(),
        maximum_retry_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        let policy = parse("on-failure:3").unwrap();
        assert_eq!((policy.name.as_str(), policy.maximum_retry_count), ("on-failure", 3));
        assert_eq!(parse("always").unwrap().maximum_retry_count, 0);
        assert_eq!(parse(":1"), Err(RestartError::NoPolicy));
        assert_eq!(parse("on-failure:x"), Err(RestartError::Count));
    }
}
