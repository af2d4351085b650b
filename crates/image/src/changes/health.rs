//! `HEALTHCHECK`: `NONE`, or `CMD` with a list or a text for the shell, and times in Go's notation.

use super::line::{Instruction, json_list};
use super::{ChangeError, fail};
use crate::config::Healthcheck;

/// Docker's shortest interval, in nanoseconds.
const MINIMUM_NANOS: i64 = 1_000_000;

pub(super) fn parse(instruction: &Instruction) -> Result<Healthcheck, ChangeError> {
    let Instruction { flags, rest, .. } = instruction;
    let mut check = Healthcheck::default();
    for flag in flags {
        set_flag(&mut check, flag)?;
    }
    if rest.is_empty() {
        return fail("HEALTHCHECK requires at least one argument");
    }
    let (kind, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let command = command.trim();
    match kind.to_ascii_uppercase().as_str() {
        "NONE" if command.is_empty() => check.test = vec!["NONE".to_owned()],
        "NONE" => return fail("HEALTHCHECK NONE takes no arguments"),
        "CMD" => check.test = test(command)?,
        other => return fail(format!("Unknown type {other:?} in HEALTHCHECK (try CMD)")),
    }
    Ok(check)
}

fn test(command: &str) -> Result<Vec<String>, ChangeError> {
    let (kind, list) = match json_list(command)? {
        Some(list) => ("CMD", list),
        None if command.is_empty() => ("CMD-SHELL", Vec::new()),
        None => ("CMD-SHELL", vec![command.to_owned()]),
    };
    if list.is_empty() {
        return fail("Missing command after HEALTHCHECK CMD");
    }
    Ok(std::iter::once(kind.to_owned()).chain(list).collect())
}

fn set_flag(check: &mut Healthcheck, flag: &str) -> Result<(), ChangeError> {
    let (name, value) = match flag.trim_start_matches('-').split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag.trim_start_matches('-'), None),
    };
    let field = match name {
        "interval" => &mut check.interval,
        "timeout" => &mut check.timeout,
        "start-period" => &mut check.start_period,
        "start-interval" => &mut check.start_interval,
        "retries" => &mut check.retries,
        _ => return fail(format!("unknown flag: --{name}")),
    };
    let Some(value) = value else {
        return fail(format!("missing a value on flag: --{name}"));
    };
    *field = if name == "retries" {
        retries(value)?
    } else {
        interval(name, value)?
    };
    Ok(())
}

fn retries(text: &str) -> Result<i64, ChangeError> {
    match text.parse::<i32>() {
        Ok(number) if number < 0 => fail(format!("--retries cannot be negative ({number})")),
        Ok(number) => Ok(number.into()),
        Err(_) => fail(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")),
    }
}

fn interval(name: &str, text: &str) -> Result<i64, ChangeError> {
    if text.is_empty() {
        return Ok(0);
    }
    let Some(nanos) = duration(text) else {
        return fail(format!("time: invalid duration {text:?}"));
    };
    if nanos == 0 || nanos >= MINIMUM_NANOS {
        return Ok(nanos);
    }
    fail(format!("Interval {name:?} cannot be less than 1ms"))
}

/// Go's `time.ParseDuration`, in nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let number = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .filter(|&at| at > 0)?;
        let value: f64 = rest[..number].parse().ok()?;
        rest = &rest[number..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        sum += value
            * match &rest[..unit] {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 60e9,
                "h" => 3600e9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    #[expect(clippy::cast_precision_loss, reason = "only a bound")]
    let in_range = !text.is_empty() && sum <= i64::MAX as f64;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let nanos = in_range.then_some(sum as i64)?;
    Some(if negative { -nanos } else { nanos })
}
