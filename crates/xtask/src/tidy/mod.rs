//! The habits of the repository as rules over its files. Each rule is a function from the tree to
//! its findings and has a test that shows it failing; one more test runs them all on the real tree.
//!
//! The rules read text, not syntax: they are meant to catch a slip, not to withstand an opponent.

mod architecture;
mod dependencies;
mod headers;
mod machine;
mod manifest;
mod names;
mod rows;
mod sizes;
mod tree;
mod unsafety;

pub(crate) use tree::Tree;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, from the root of the repository.
    pub(crate) path: String,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Finding {
    fn new(path: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// All findings of all rules.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let rules: [fn(&Tree) -> Vec<Finding>; 8] = [
        architecture::check,
        dependencies::check,
        headers::check,
        machine::check,
        names::check,
        rows::check,
        sizes::check,
        unsafety::check,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let tree = Tree::of_repository().expect("git lists the files");
        let findings: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
