//! One line of comma-separated values with quotes (RFC 4180), as `--mount` and `--network` use it.

/// The fields of `line`; quotes around a field keep its commas, `""` inside stands for one quote.
pub(crate) fn split(line: &str) -> Result<Vec<String>, FieldError> {
    if line.is_empty() {
        return Err(FieldError::Empty);
    }
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => read_quoted(quoted, line)?,
            None => read_bare(rest, line)?,
        };
        fields.push(field);
        match behind {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// The line is not made of fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("EOF")]
    Empty,
    #[error("parse error on line 1, column {0}: bare \" in non-quoted-field")]
    BareQuote(usize),
    #[error("parse error on line 1, column {0}: extraneous or missing \" in quoted-field")]
    Quote(usize),
}

fn read_bare<'a>(text: &'a str, line: &str) -> Result<(String, Option<&'a str>), FieldError> {
    let (field, behind) = match text.split_once(',') {
        Some((field, behind)) => (field, Some(behind)),
        None => (text, None),
    };
    match field.find('"') {
        Some(at) => Err(FieldError::BareQuote(line.len() - text.len() + at + 1)),
        None => Ok((field.to_owned(), behind)),
    }
}

fn read_quoted<'a>(text: &'a str, line: &str) -> Result<(String, Option<&'a str>), FieldError> {
    let mut field = String::new();
    let mut rest = text;
    while let Some((part, behind)) = rest.split_once('"') {
        field.push_str(part);
        match behind.as_bytes().first() {
            Some(b'"') => {
                field.push('"');
                rest = &behind[1..];
            }
            Some(b',') => return Ok((field, Some(&behind[1..]))),
            None => return Ok((field, None)),
            Some(_) => return Err(FieldError::Quote(line.len() - behind.len())),
        }
    }
    Err(FieldError::Quote(line.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits() {
        assert_eq!(split("a=1,\"b=2,3\",c").unwrap(), ["a=1", "b=2,3", "c"]);
        assert_eq!(split("\"a\"\"b\"").unwrap(), ["a\"b"]);
        assert_eq!(split("a,").unwrap(), ["a", ""]);
        assert!(split("").is_err());
        assert!(split("a\"b").is_err());
        assert!(split("\"a").is_err());
    }
}
