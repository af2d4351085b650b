//! Flags and parameters that no other case has a reason to use, each with what it does: many small cases in the life of one
//! daemon. docs/compat/cli.md and api.md name them.

mod create;
mod images;
mod kernel;
mod life;
mod networks;
mod system;
mod update;
mod volumes;

use anyhow::{Result, ensure};
use corten_e2e::Case;
use serde_json::Value;

/// Expects these values at these places of what `inspect` says.
fn inspect_has(case: &Case, name: &str, want: &[(&str, Value)]) -> Result<()> {
    let found = case.inspect(name)?;
    for (place, value) in want {
        let is = found.pointer(place).unwrap_or(&Value::Null);
        ensure!(is == value, "{name} {place}: want {value}, got {is}");
    }
    Ok(())
}
