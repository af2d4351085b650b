//! `cargo xtask compat blind`: whether the tests that the list names notice when a query parameter is lost. Each runs again
//! with that one parameter hidden from the daemon (`CORTEN_CALLS_BLIND`); one that passes all the same only sends it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::list::List;
use super::tests_named::program_and_path;

/// The parameters, of those whose item contains `filter`, that their test does not notice the loss of.
pub(crate) fn unnoticed(root: &Path, filter: &str) -> Result<Vec<String>> {
    let mut unnoticed = Vec::new();
    for (item, test) in List::Api.chosen(&List::Api.text(root)?) {
        let Some((call, key)) = item.split_once('?').filter(|_| item.contains(filter)) else {
            continue;
        };
        let Some((program, path)) = program_and_path(&test) else {
            continue;
        };
        let run = Command::new("cargo")
            .args(["test", "--quiet", "--package", "corten-e2e", "--test", program])
            .args(["--", "--exact", &path])
            .env("CORTEN_CALLS_BLIND", format!("{call} {key}"))
            .current_dir(root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("run cargo")?;
        let verdict = if run.success() { "NOT NOTICED" } else { "noticed" };
        println!("{verdict}: {item}: {test}");
        if run.success() {
            unnoticed.push(format!("{item}: {test} passes without it"));
        }
    }
    Ok(unnoticed)
}
