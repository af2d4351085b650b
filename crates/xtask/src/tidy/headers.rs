//! Rule: every file of Rust starts with a `//!` header, so that a reader knows at once what it is.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let bare = tree.sources().filter(|(_, text)| !text.starts_with("//! "));
    let mut findings: Vec<Finding> = bare
        .map(|(path, _)| Finding::new(path, "starts without a `//!` header that says what it is"))
        .collect();
    let placeholders = tree.sources().filter(|(_, text)| text.starts_with("//! Placeholder"));
    findings.extend(placeholders.map(|(path, _)| Finding::new(path, "is a placeholder")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_file_without_header() {
        let tree = Tree::of(&[
            ("a.rs", "//! What it is.\n"),
            ("b.rs", "use std::fs;\n"),
            ("c.rs", "//! Placeholder.\n"),
            ("d.md", "text"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["b.rs", "c.rs"]);
    }
}
