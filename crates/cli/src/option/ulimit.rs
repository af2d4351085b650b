//! `--ulimit type=soft[:hard]`.

use corten_api::container::Ulimit;

/// The text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UlimitError {
    #[error("invalid ulimit argument: {0}")]
    Form(String),
    #[error("invalid ulimit type: {0}")]
    Name(String),
    #[error("too many limit value arguments - {0}, can only have up to two, `soft[:hard]`")]
    TooMany(String),
    #[error("strconv.ParseInt: parsing {0:?}: invalid syntax")]
    Number(String),
    #[error("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")]
    Order { soft: i64, hard: i64 },
}

/// Reads one limit; -1 is no limit.
pub(crate) fn parse(text: &str) -> Result<Ulimit, UlimitError> {
    let (name, values) = text.split_once('=').ok_or_else(|| UlimitError::Form(text.to_owned()))?;
    if !Ulimit::NAMES.contains(&name) {
        return Err(UlimitError::Name(name.to_owned()));
    }
    let mut parts = values.split(':');
    let soft = number(parts.next().unwrap_or_default())?;
    let hard = match parts.next() {
        None => soft,
        Some(hard) => number(hard)?,
    };
    if parts.next().is_some() {
        return Err(UlimitError::TooMany(values.to_owned()));
    }
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(UlimitError::Order { soft, hard });
    }
    Ok(Ulimit {
        name: name.to_owned(),
        hard,
        soft,
    })
}

fn number(text: &str) -> Result<i64, UlimitError> {
    text.parse().map_err(|_| UlimitError::Number(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let limit = |name: &str, soft, hard| {
            Ok(Ulimit {
                name: name.to_owned(),
                hard,
                soft,
            })
        };
        assert_eq!(parse("nofile=1024"), limit("nofile", 1024, 1024));
        assert_eq!(parse("nofile=1024:2048"), limit("nofile", 1024, 2048));
        assert_eq!(parse("memlock=-1:-1"), limit("memlock", -1, -1));
        assert_eq!(parse("nofile=2:1"), Err(UlimitError::Order { soft: 2, hard: 1 }));
        assert_eq!(parse("as=1"), Err(UlimitError::Name("as".to_owned())));
        assert!(parse("nofile").is_err());
        assert!(parse("nofile=1:2:3").is_err());
        assert!(parse("nofile=x").is_err());
    }
}
