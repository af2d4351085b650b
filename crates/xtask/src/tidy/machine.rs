//! Rule: nothing names the machine or the mirror it was written on.

use super::{Finding, Tree};

/// Parts of paths and addresses that are true on one machine only. Written in two halves, so that
/// this file does not break its own rule.
const TRACES: [&str; 6] = [
    concat!("/work", "/"),
    concat!("/root", "/."),
    concat!("/Us", "ers/"),
    concat!("/home", "/user"),
    concat!("deb.debian", ".org"),
    concat!("snapshot.debian", ".org"),
];

/// Recorded by cargo, never by hand.
const GENERATED: &str = "Cargo.lock";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let lines = tree
        .files()
        .filter(|(path, _)| !path.ends_with(GENERATED))
        .flat_map(|(path, text)| {
            text.lines()
                .enumerate()
                .map(move |(index, line)| (path, index + 1, line))
        });
    lines
        .filter_map(|(path, number, line)| finding(path, number, line))
        .collect()
}

fn finding(path: &str, number: usize, line: &str) -> Option<Finding> {
    let trace = TRACES.iter().find(|trace| names(line, trace))?;
    Some(Finding::new(
        path,
        format!("line {number}: {trace:?} is true on one machine only"),
    ))
}

/// Whether `line` contains `trace` where a path starts, not in the middle of a longer one.
fn names(line: &str, trace: &str) -> bool {
    line.match_indices(trace).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !trace.starts_with('/') || before.is_none_or(|c| !c.is_alphanumeric() && !"_.-}*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_path_of_this_machine() {
        let trace = concat!("see /work", "/main\n");
        let tree = Tree::of(&[
            ("a.md", trace),
            ("b.md", "the overlay's upper/work/ directory"),
            ("Cargo.lock", trace),
        ]);
        assert_eq!(
            check(&tree).into_iter().map(|finding| finding.path).collect::<Vec<_>>(),
            ["a.md"]
        );
    }
}
