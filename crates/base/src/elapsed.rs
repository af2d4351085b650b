//! Time spans in Docker's words: `About a minute`, `3 weeks` (go-units' `HumanDuration`).

use std::time::Duration;

/// A span as people say it; parts of a second are nothing, hours from the first on are rounded.
#[must_use]
pub fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    let minutes = seconds / 60;
    let hours = (seconds + 1800) / 3600;
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (2..60, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, 2..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., 0..48) => format!("{hours} hours"),
        (.., 48..336) => format!("{} days", hours / 24),
        (.., 336..1440) => format!("{} weeks", hours / 24 / 7),
        (.., 1440..17520) => format!("{} months", hours / 24 / 30),
        (.., 17520..) => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_s_words() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (5399, "About an hour"),
            (5400, "2 hours"),
            (3600 * 47, "47 hours"),
            (3600 * 48, "2 days"),
            (86400 * 13, "13 days"),
            (86400 * 14, "2 weeks"),
            (86400 * 59, "8 weeks"),
            (86400 * 60, "2 months"),
            (86400 * 365 * 2 - 3600, "24 months"),
            (86400 * 730, "2 years"),
            (86400 * 365 * 3, "3 years"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
