//! How long ago something was, in Docker's words: `3 weeks ago`.

use corten_base::{Timestamp, elapsed};

/// How long ago `then` was at `now`: `2 hours ago`; Go's zero time is `N/A`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    if then.is_zero() {
        return "N/A".to_owned();
    }
    format!("{} ago", elapsed::words(now.since(then)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_and_never() {
        let at = |seconds| Timestamp::from_unix(seconds, 0);
        assert_eq!(ago(at(7300), at(100)), "2 hours ago");
        assert_eq!(ago(at(7300), Timestamp::ZERO), "N/A");
    }
}
