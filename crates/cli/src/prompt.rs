//! Questions that are answered with yes or no before something is lost.

use std::io;

use crate::failure::Failure;
use crate::output;

/// Asks on standard output and reads one line of standard input. Only `y` is a yes; the end of input is a no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    output::print(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
