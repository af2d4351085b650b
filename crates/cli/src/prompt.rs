//! Questions that are answered with yes or no before something is lost.

use std::io;

use crate::failure::Failure;
use crate::output;
use crate::speech::{self, Language, say, translate};

/// Asks on standard output and reads one line of standard input. Only `y`, in French `o` and `oui` too, is a yes; the end of input is a no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    output::print(&format!("{} {} ", translate(question), say("[y/N]")))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(is_yes(&answer, speech::current()))
}

fn is_yes(answer: &str, language: Language) -> bool {
    let answer = answer.trim().to_lowercase();
    answer == "y" || (language == Language::French && matches!(answer.as_str(), "o" | "oui"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_yes_is() {
        for (answer, english, french) in [
            ("y\n", true, true),
            (" Y ", true, true),
            ("o\n", false, true),
            ("Oui\n", false, true),
            ("yes\n", false, false),
            ("non\n", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_yes(answer, Language::English), english, "{answer}");
            assert_eq!(is_yes(answer, Language::French), french, "{answer}");
        }
    }
}
