//! Text cut to fit a column.

use corten_base::id::SHORT_LENGTH;

use super::width;

/// At most `width` columns, the last an ellipsis if something was cut.
pub(crate) fn ellipsis(text: &str, width: usize) -> String {
    if width::of(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |letter: &char| {
        let columns = width::of_letter(*letter);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
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
        assert_eq!(ellipsis("日本日本", 6), "日本…");
        assert_eq!(ellipsis("\"sh\"", 20), "\"sh\"");
        assert_eq!(id("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(id("abc"), "abc");
    }
}
