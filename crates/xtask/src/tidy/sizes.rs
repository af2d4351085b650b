//! Rule: files stay short enough to be read. Those that are longer are listed in `long-files.txt`
//! with the length they may have; the list only shrinks.

use std::collections::BTreeMap;

use super::{Finding, Tree};

/// In lines. Nine files in ten are below 400; this is where a file has become two.
const LIMIT: usize = 500;

/// How far a listed length may lie above the real one before it has to be lowered, in lines.
const SLACK: usize = 40;

const LIST: &str = "crates/xtask/src/tidy/long-files.txt";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let listed = listed(tree.text(LIST));
    let mut findings: Vec<Finding> = tree
        .sources()
        .filter_map(|(path, text)| finding(path, text.lines().count(), listed.get(path).copied()))
        .collect();
    let gone = listed.keys().filter(|path| !tree.has(path));
    findings.extend(gone.map(|path| Finding::new(LIST, format!("lists {path}, which does not exist"))));
    findings
}

fn finding(path: &str, lines: usize, listed: Option<usize>) -> Option<Finding> {
    match listed {
        None if lines > LIMIT => Some(Finding::new(
            path,
            format!("has {lines} lines: split it (limit {LIMIT})"),
        )),
        Some(_) if lines <= LIMIT => Some(Finding::new(LIST, format!("lists {path}, which is short enough now"))),
        Some(listed) if lines > listed => Some(Finding::new(
            path,
            format!("has grown to {lines} lines from {listed}: split it"),
        )),
        Some(listed) if lines + SLACK < listed => Some(Finding::new(
            LIST,
            format!("{path} has shrunk to {lines} lines: lower its number"),
        )),
        None | Some(_) => None,
    }
}

/// Lines of `length path`; `#` starts a comment.
fn listed(text: &str) -> BTreeMap<&str, usize> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(count, path)| Some((path.trim(), count.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_long_files_and_a_list_that_lags() {
        let long = "x\n".repeat(LIMIT + 100);
        let list = "# why\n600 a.rs\n590 b.rs\n700 c.rs\n600 d.rs\n600 gone.rs\n";
        let tree = Tree::of(&[
            ("a.rs", &long),
            ("b.rs", &long),
            ("c.rs", &long),
            ("d.rs", "short"),
            ("e.rs", &long),
            (LIST, list),
        ]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[0].starts_with("b.rs: has grown to 600 lines from 590"));
        assert!(found[1].contains("c.rs has shrunk"));
        assert!(found[2].contains("d.rs, which is short enough"));
        assert!(found[3].starts_with("e.rs: has 600 lines"));
        assert!(found[4].contains("gone.rs, which does not exist"));
    }
}
