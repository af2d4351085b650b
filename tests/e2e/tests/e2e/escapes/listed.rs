//! docs/security.md names tests that exist.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The cells of a row of the table that holds tests, `path::function`.
fn tests(line: &str) -> Vec<&str> {
    line.split('`').filter(|cell| cell.contains(".rs::")).collect()
}

#[test]
fn the_table_of_classes_is_true() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/security.md"))?;
    let mut rows = 0;
    let classes = table.lines().skip_while(|line| !line.starts_with("| class |")).skip(2);
    for line in classes.take_while(|line| line.starts_with('|')) {
        rows += 1;
        let named = tests(line);
        ensure!(!named.is_empty() || line.contains("| not built:"), "no test: {line}");
        for test in named {
            let (file, function) = test.split_once("::").context("path and function")?;
            let source = std::fs::read_to_string(root.join(file)).with_context(|| file.to_owned())?;
            ensure!(source.contains(&format!("fn {function}(")), "{test} does not exist");
        }
    }
    ensure!(rows > 30, "only {rows} rows");
    Ok(())
}
