//! `key=value,key=value` as pflag's `stringToString` reads it: `context create --docker`.

use super::field;

/// Checks one value.
pub(crate) fn check(text: &str) -> Result<(), String> {
    pairs(text).map(drop)
}

/// The pairs of all values, in order; values were checked when they were read.
pub(crate) fn collect<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    texts.filter_map(|text| pairs(text).ok()).flatten().collect()
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let fields = match text.matches('=').count() {
        // One pair may hold commas and needs no quotes.
        0 | 1 => vec![text.trim_matches('"').to_owned()],
        _ => field::split(text).map_err(|error| error.to_string())?,
    };
    let pair = |field: String| {
        let (key, value) = field
            .split_once('=')
            .ok_or_else(|| format!("{field} must be formatted as key=value"))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    fields.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_pflag_reads_it() {
        let read =
            |text| pairs(text).map(|pairs| pairs.into_iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>());
        assert_eq!(read("a=b,c=d=e").unwrap(), ["a:b", "c:d=e"]);
        assert_eq!(read("a=b,c").unwrap(), ["a:b,c"]);
        assert_eq!(read("host").unwrap_err(), "host must be formatted as key=value");
        assert_eq!(read("").unwrap_err(), " must be formatted as key=value");
        assert_eq!(read("a=b,c=d,e").unwrap_err(), "e must be formatted as key=value");
    }
}
