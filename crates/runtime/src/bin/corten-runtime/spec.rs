//! `spec`, and which versions of the specification are understood.

use std::fs::OpenOptions;
use std::path::Path;

use anyhow::{Context, Result, bail};
use oci_spec::runtime::Spec;

/// Writes an example `config.json`; an existing one stays.
pub(crate) fn write(bundle: &Path) -> Result<()> {
    let path = bundle.join("config.json");
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let file = file.with_context(|| format!("File {} exists. Remove it first", path.display()))?;
    serde_json::to_writer_pretty(file, &Spec::default()).context("write config.json")
}

/// Refuses specifications of another major version and texts that are no version.
pub(crate) fn check_version(version: &str) -> Result<()> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<Option<u32>> = core.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [Some(1), Some(_), Some(_)] => Ok(()),
        [Some(_), Some(_), Some(_)] => bail!("unsupported spec version {version}"),
        _ => bail!("{version:?} is not a valid semantic version"),
    }
}
