//! `--health-*` and `--no-healthcheck`.

use corten_api::container::HealthConfig;

use super::compile::nullable;
use crate::flag::Parsed;
use corten_base::duration;

/// The flags make no health check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HealthError {
    #[error("--no-healthcheck conflicts with --health-* options")]
    Conflict,
    #[error("--{0} cannot be negative")]
    Negative(&'static str),
}

/// The health check the flags ask for; `None` leaves the image's.
pub(super) fn compile(parsed: &Parsed) -> Result<Option<HealthConfig>, HealthError> {
    let command = parsed.text_or_empty("health-cmd");
    let config = HealthConfig {
        interval: span(parsed, "health-interval")?,
        timeout: span(parsed, "health-timeout")?,
        start_period: span(parsed, "health-start-period")?,
        start_interval: span(parsed, "health-start-interval")?,
        retries: parsed.integer("health-retries").unwrap_or(0),
        test: nullable(if command.is_empty() {
            Vec::new()
        } else {
            vec!["CMD-SHELL".to_owned(), command]
        }),
    };
    if config.retries < 0 {
        return Err(HealthError::Negative("health-retries"));
    }
    let given = config != HealthConfig::default();
    match (parsed.on("no-healthcheck"), given) {
        (true, true) => Err(HealthError::Conflict),
        (true, false) => Ok(Some(HealthConfig {
            test: vec!["NONE".to_owned()].into(),
            ..HealthConfig::default()
        })),
        (false, true) => Ok(Some(config)),
        (false, false) => Ok(None),
    }
}

fn span(parsed: &Parsed, flag: &'static str) -> Result<i64, HealthError> {
    let nanoseconds = parsed
        .text(flag)
        .map_or(0, |text| duration::parse(text).expect("checked when it was read"));
    if nanoseconds < 0 {
        Err(HealthError::Negative(flag))
    } else {
        Ok(nanoseconds)
    }
}
