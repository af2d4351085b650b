//! Waiting for an event with a limit. A test never sleeps for a guessed time: it asks until what it
//! waits for is there, and fails by name when the limit has passed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Between two questions. Short against everything that is waited for, long against a busy loop.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks `question` until it answers `Some`, at most for `limit`; `what` names it in the error.
pub fn until<T>(limit: Duration, what: &str, mut question: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = question() {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            return None.with_context(|| format!("{what} did not happen within {limit:?}"));
        }
        std::thread::sleep(PAUSE);
    }
}

/// [`until`] for a question whose answer is yes or no.
pub fn until_true(limit: Duration, what: &str, mut question: impl FnMut() -> bool) -> Result<()> {
    until(limit, what, || question().then_some(()))
}

/// [`until`] for a check that fails with a reason: the last reason is in the error.
pub fn until_ok<T>(limit: Duration, what: &str, mut check: impl FnMut() -> Result<T>) -> Result<T> {
    let mut last = None;
    until(limit, what, || match check() {
        Ok(answer) => Some(answer),
        Err(error) => {
            last = Some(error);
            None
        }
    })
    .map_err(|limit_passed| match last {
        Some(reason) => reason.context(limit_passed),
        None => limit_passed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_did_not_happen() {
        let mut left = 3;
        let done = until_true(Duration::from_secs(5), "countdown", || {
            left -= 1;
            left == 0
        });
        assert!(done.is_ok());
        let error = until_true(Duration::from_millis(10), "rain", || false).unwrap_err();
        assert!(error.to_string().contains("rain did not happen"), "{error}");
        let error = until_ok(Duration::from_millis(10), "rain", || -> Result<()> {
            anyhow::bail!("dry")
        })
        .unwrap_err();
        assert!(format!("{error:#}").contains("dry"), "{error:#}");
    }
}
