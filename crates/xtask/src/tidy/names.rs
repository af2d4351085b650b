//! Rule: no file or directory has a name under which anything could be put.

use super::{Finding, Tree};

const FORBIDDEN: [&str; 9] = [
    "utils", "util", "helpers", "helper", "common", "misc", "manager", "shared", "lib2",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter_map(|(path, _)| {
            let name = path.split('/').map(stem).find(|name| FORBIDDEN.contains(name))?;
            Some(Finding::new(
                path,
                format!("{name:?} says nothing: name it after its noun or its verb"),
            ))
        })
        .collect()
}

fn stem(component: &str) -> &str {
    component.split('.').next().unwrap_or(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_names_that_say_nothing() {
        let tree = Tree::of(&[
            ("a/utils.rs", ""),
            ("common/x.rs", ""),
            ("a/commonly.rs", ""),
            ("a/manager/mod.rs", ""),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["a/manager/mod.rs", "a/utils.rs", "common/x.rs"]);
    }
}
