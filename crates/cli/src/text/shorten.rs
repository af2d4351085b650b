//! Text cut to fit a column.

use corten_base::id::SHORT_LENGTH;

/// At most `width` columns, the last an ellipsis if something was cut.
pub(crate) fn ellipsis(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The first 12 digits of an id, without its algorithm.
pub(crate) fn id(id: &str) -> &str {
    let digits = id.split_once(':').map_or(id, |(_, digits)| digits);
    digits.get(..SHORT_LENGTH).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts() {
        assert_eq!(ellipsis("\"/docker-entrypoint.sh nginx\"", 20), "\"/docker-entrypoint…");
        assert_eq!(ellipsis("\"sh\"", 20), "\"sh\"");
        assert_eq!(id("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(id("abc"), "abc");
    }
}
