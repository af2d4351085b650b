//! Work on the repository itself: `cargo xtask tidy` checks the habits that a compiler does not.
//! The same checks run with the tests, so that nobody has to remember to run them.

mod tidy;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

fn main() -> Result<ExitCode> {
    let command = std::env::args().nth(1).context("want a command: tidy")?;
    match command.as_str() {
        "tidy" => report(&tidy::check(&tidy::Tree::of_repository()?)),
        other => bail!("unknown command {other:?}: want tidy"),
    }
}

fn report(findings: &[tidy::Finding]) -> Result<ExitCode> {
    for finding in findings {
        println!("{finding}");
    }
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
