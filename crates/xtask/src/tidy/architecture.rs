//! Rule: every path that ARCHITECTURE.md names exists, and it shows the path of `run`.

use super::{Finding, Tree};

const MAP: &str = "ARCHITECTURE.md";

/// The heading under which a newcomer looks first.
const HEADING: &str = "## The path of `run`";

/// Directories of the repository: a word that starts with one of them is a path of it.
const ROOTS: [&str; 5] = ["crates/", "tests/", "scripts/", "docs/", "fuzz/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(MAP);
    let mut findings: Vec<Finding> = paths(text)
        .into_iter()
        .filter(|path| !tree.has(path))
        .map(|path| Finding::new(MAP, format!("names {path}, which does not exist")))
        .collect();
    let section = text
        .split(HEADING)
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap_or_default();
    if paths(section).len() < 2 {
        findings.push(Finding::new(
            MAP,
            format!("has no section {HEADING:?} that names the files in order"),
        ));
    }
    findings
}

fn paths(text: &str) -> Vec<&str> {
    let is_path = |c: char| c.is_alphanumeric() || "/_-.".contains(c);
    let words = text.split(|c: char| !is_path(c)).map(|word| word.trim_end_matches('.'));
    words
        .filter(|word| {
            ROOTS
                .iter()
                .any(|root| word.len() > root.len() && word.starts_with(root))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_path_that_is_not_there() {
        let text = "## The path of `run`\n crates/cli/src/run.rs -> `crates/net/src/gone.rs`.\n## Next\n";
        let found = check(&Tree::of(&[(MAP, text), ("crates/cli/src/run.rs", "")]));
        assert_eq!(
            found,
            [Finding::new(MAP, "names crates/net/src/gone.rs, which does not exist")]
        );
    }

    #[test]
    fn wants_the_path_of_run() {
        let found = check(&Tree::of(&[(MAP, "See crates/cli.\n"), ("crates/cli/Cargo.toml", "")]));
        assert!(found[0].message.contains("has no section"), "{found:?}");
    }
}
