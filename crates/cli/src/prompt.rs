//! Questions that are answered with yes or no before something is lost.

use std::io;

use crate::failure::Failure;
use crate::output;
use crate::speech::{self, Language, say, translate};

/// Asks on standard output and reads one line of standard input. Only `y`, in French `o` too, is a yes; the end of input is a no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    output::print(&format!("{} {} ", translate(question), say("[y/N]")))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(answer == "y" || (speech::current() == Language::French && answer == "o"))
}
