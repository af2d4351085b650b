//! Work on the repository itself: `cargo xtask tidy` checks the habits that a compiler does not, `cargo xtask compat`
//! writes the lists of what is proven, `cargo xtask compat check` compares them with a test run.
//! The first's checks run with the tests, the last's with scripts/test, so that nobody has to remember to run them.

mod compat;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => report(&tidy::check(&tidy::Tree::of_repository()?)),
        ["compat"] => compat::write(&compat::root()?).map(|()| ExitCode::SUCCESS),
        ["compat", "check"] => report(&compat::check(&compat::root()?)?),
        ["compat", "blind"] => report(&compat::unnoticed(&compat::root()?, "")?),
        ["compat", "blind", filter] => report(&compat::unnoticed(&compat::root()?, filter)?),
        other => bail!("unknown command {other:?}: want tidy, compat, compat check or compat blind"),
    }
}

fn report<T: std::fmt::Display>(findings: &[T]) -> Result<ExitCode> {
    for finding in findings {
        println!("{finding}");
    }
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
