//! Rule: every external crate is declared once, in the root manifest, and DEPENDENCIES.md says why.

use super::manifest::dependencies;
use super::{Finding, Tree};

const REASONS: &str = "DEPENDENCIES.md";
const ROOT: &str = "Cargo.toml";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let external: Vec<String> = dependencies(tree.text(ROOT))
        .into_iter()
        .map(|dependency| dependency.name)
        .filter(|name| !name.starts_with("corten-"))
        .collect();
    let explained: Vec<&str> = tree.text(REASONS).lines().filter_map(explained_name).collect();
    let silent = external.iter().filter(|name| !explained.contains(&name.as_str()));
    let mut findings: Vec<Finding> = silent
        .map(|name| {
            Finding::new(
                REASONS,
                format!("has no line for `{name}`: why, what else was looked at, what it brings"),
            )
        })
        .collect();
    let stale = explained
        .iter()
        .filter(|name| !external.iter().any(|other| other == *name));
    findings.extend(stale.map(|name| Finding::new(REASONS, format!("explains `{name}`, which is not used"))));
    findings.extend(
        tree.files()
            .filter(|(path, _)| is_member(path))
            .flat_map(|(path, text)| own_versions(path, text)),
    );
    findings
}

/// A table line that starts with "| `name` |".
fn explained_name(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split('`').next()
}

fn is_member(path: &str) -> bool {
    path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/")
}

fn own_versions(path: &str, manifest: &str) -> Vec<Finding> {
    let own = dependencies(manifest)
        .into_iter()
        .filter(|dependency| !dependency.value.contains("workspace"));
    own.map(|dependency| Finding::new(path, format!("take `{}` from the root manifest", dependency.name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_unexplained_stale_or_declared_elsewhere() {
        let tree = Tree::of(&[
            (
                ROOT,
                "[workspace.dependencies]\ncorten-base = { path = \"crates/base\" }\nanyhow = \"1\"\nlibc = \"0.2\"\n",
            ),
            (REASONS, "| crate | why |\n|---|---|\n| `libc` | x |\n| `nix` | x |\n"),
            (
                "crates/a/Cargo.toml",
                "[dependencies]\nlibc.workspace = true\nrand = \"1\"\n",
            ),
        ]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("no line for `anyhow`"));
        assert!(found[1].contains("explains `nix`"));
        assert!(found[2].contains("take `rand` from the root"));
    }
}
