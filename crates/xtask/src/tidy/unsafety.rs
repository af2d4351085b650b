//! Rule: `unsafe` only in crates/sys, and no lint switched off without a reason.

use super::{Finding, Tree};

/// Where the kernel's interface is wrapped.
const SYS: &str = "crates/sys/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree
        .sources()
        .flat_map(|(path, text)| bare_allows(path, text))
        .collect();
    let outside = tree.sources().filter(|(path, _)| !path.starts_with(SYS));
    findings
        .extend(outside.flat_map(|(path, text)| text.lines().enumerate().filter_map(move |line| finding(path, line))));
    findings
}

/// Attributes that switch a lint off without saying why.
fn bare_allows(path: &str, text: &str) -> Vec<Finding> {
    let attribute = concat!("[", "allow(");
    let unexplained = text.match_indices(attribute).filter(|(at, _)| {
        let inside = text[*at..].split(")]").next().unwrap_or_default();
        !inside.contains("reason")
    });
    unexplained
        .map(|(at, _)| {
            let number = text[..at].lines().count();
            Finding::new(
                path,
                format!("line {number}: use #[expect(lint, reason = \"..\")], not a bare allow"),
            )
        })
        .collect()
}

fn finding(path: &str, (index, line): (usize, &str)) -> Option<Finding> {
    let code = code_of(line);
    let number = index + 1;
    let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let used = words.iter().any(|word| ["unsafe", "unsafe_code"].contains(word));
    used.then(|| Finding::new(path, format!("line {number}: `{}` belongs into crates/sys", "unsafe")))
}

/// A line without its string literals and without a comment at its end, roughly.
fn code_of(line: &str) -> String {
    let outside_strings: String = line
        .replace("\\\"", "")
        .split('"')
        .step_by(2)
        .collect::<Vec<_>>()
        .join("\"\"");
    outside_strings.split("//").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_it_outside_sys_only() {
        let block = format!("{} {{ call() }}", "unsafe");
        let tree = Tree::of(&[
            ("crates/sys/src/a.rs", &block),
            ("crates/net/src/b.rs", &block),
            ("crates/net/src/c.rs", "// no unsafe here"),
            ("crates/net/src/d.rs", "let a = \"unsafe\";"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["crates/net/src/b.rs"]);
    }

    #[test]
    fn finds_a_bare_allow() {
        let line = format!("#{}dead_code)]", concat!("[", "allow("));
        assert_eq!(check(&Tree::of(&[("crates/sys/src/a.rs", &line)])).len(), 1);
        assert_eq!(
            check(&Tree::of(&[("a.rs", "#[expect(dead_code, reason = \"why\")]")])).len(),
            0
        );
    }
}
