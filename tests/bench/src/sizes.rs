//! What the programs weigh on disk, beside the least that the toolchain makes.

use anyhow::{Context as _, Result};
use corten_testkit::programs;

use crate::table::Table;

/// Each program's file, and what it may have: megabytes of a million bytes.
const PROGRAMS: &[(&str, &str)] = &[
    ("corten", "6"),
    ("cortend", "8"),
    ("corten-shim", "1"),
    ("corten-runtime", "-"),
    ("corten-init", "-"),
];

pub(crate) fn programs(table: &mut Table) -> Result<()> {
    for (name, limit) in PROGRAMS {
        let path = programs::find(name)?;
        let bytes = std::fs::metadata(&path)
            .with_context(|| path.display().to_string())?
            .len();
        table.row(
            &format!("size of `{name}`, MB"),
            limit,
            format!("{:.2}", bytes as f64 / 1e6),
        );
    }
    Ok(())
}
