//! The list in docs/compat/course.md agrees with the tests.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The row numbers `C-…` of a text.
fn rows(text: &str) -> BTreeSet<&str> {
    let ids = text.match_indices("C-").filter_map(|(at, _)| text.get(at..at + 5));
    ids.filter(|id| id[2..].bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

#[test]
fn the_list_of_rows_is_true() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(here.join("../../docs/compat/course.md"))?;
    let mut listed = BTreeSet::new();
    for line in list.lines().filter(|line| line.starts_with("| C-")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (id, test) = (cells[1], cells[3]);
        ensure!(listed.insert(id), "{id} is listed twice");
        if let Some(reason) = test.strip_prefix("waits: ") {
            ensure!(!reason.is_empty(), "{id} waits for nothing");
            continue;
        }
        let path = test.trim_matches('`');
        let source = std::fs::read_to_string(here.join("../..").join(path)).with_context(|| format!("{id}: {path}"))?;
        ensure!(rows(&source).contains(id), "{id} is not in {path}");
    }
    for file in std::fs::read_dir(here.join("tests/course"))? {
        let path = file?.path();
        let source = std::fs::read_to_string(&path)?;
        let unlisted: Vec<_> = rows(&source).difference(&listed).map(|id| (*id).to_owned()).collect();
        ensure!(
            unlisted.is_empty(),
            "{} has {unlisted:?}, which the list has not",
            path.display()
        );
    }
    Ok(())
}
