//! Rule: a crate uses only crates of lower-numbered rows. The rows are the table of ARCHITECTURE.md,
//! so that the picture and the code cannot part.

use std::collections::BTreeMap;

use super::manifest::dependencies;
use super::{Finding, Tree};

const MAP: &str = "ARCHITECTURE.md";

/// Crates of the row `dev` may use everything, and only tests may use them.
const DEV: u32 = u32::MAX;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let rows = rows(tree.text(MAP));
    let mut findings = Vec::new();
    for (path, manifest) in tree.files().filter(|(path, _)| is_crate(path)) {
        let name = path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or(path);
        let Some(row) = rows.get(name) else {
            findings.push(Finding::new(
                MAP,
                format!("the table of rows does not have crate `{name}`"),
            ));
            continue;
        };
        for dependency in dependencies(manifest) {
            let Some(used) = dependency.name.strip_prefix("corten-") else {
                continue;
            };
            let allowed = rows
                .get(used)
                .is_some_and(|other| other < row || (*other == DEV && dependency.is_for_tests()));
            if !allowed && *row != DEV {
                findings.push(Finding::new(
                    path,
                    format!("`{name}` (row {row}) may not use `{used}`: see {MAP}"),
                ));
            }
        }
    }
    let present = |name: &str| {
        tree.files()
            .any(|(path, _)| is_crate(path) && path.ends_with(&format!("/{name}/Cargo.toml")))
    };
    let missing = rows.keys().filter(|name| !present(name));
    findings.extend(missing.map(|name| Finding::new(MAP, format!("has a row for `{name}`, which does not exist"))));
    findings
}

fn is_crate(path: &str) -> bool {
    path.ends_with("/Cargo.toml") && (path.starts_with("crates/") || path.starts_with("tests/"))
}

/// Lines of the form `| 3 | `runtime` | ... |`; several names may stand in one line.
fn rows(map: &str) -> BTreeMap<&str, u32> {
    let mut rows = BTreeMap::new();
    for line in map.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(row), Some(names)) = (cells.next(), cells.next()) else {
            continue;
        };
        let row = if row == "dev" { Some(DEV) } else { row.parse().ok() };
        for name in names.split('`').skip(1).step_by(2) {
            rows.extend(row.map(|row| (name.rsplit('/').next().unwrap_or(name), row)));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| row | crate | what |\n|---|---|---|\n| 1 | `base` | x |\n| 2 | `sys` | x |\n| 2 | `api` | x |\n\
                         | dev | `testkit`, `tests/e2e` | x |\n";

    fn findings(base: &str, sys: &str) -> Vec<String> {
        let tree = Tree::of(&[
            (MAP, TABLE),
            ("crates/base/Cargo.toml", base),
            ("crates/sys/Cargo.toml", sys),
            ("crates/api/Cargo.toml", ""),
            (
                "crates/testkit/Cargo.toml",
                "[dependencies]\ncorten-sys.workspace = true\n",
            ),
            (
                "tests/e2e/Cargo.toml",
                "[dependencies]\ncorten-testkit.workspace = true\n",
            ),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn downwards_is_allowed() {
        let down =
            "[dependencies]\ncorten-base.workspace = true\n[dev-dependencies]\ncorten-testkit.workspace = true\n";
        assert_eq!(findings("", down), Vec::<String>::new());
    }

    #[test]
    fn upwards_and_sideways_are_found() {
        let up = findings("[dependencies]\ncorten-sys.workspace = true\n", "");
        assert!(up[0].contains("`base` (row 1) may not use `sys`"), "{up:?}");
        let sideways = findings("", "[dev-dependencies]\ncorten-api.workspace = true\n");
        assert!(sideways[0].contains("`sys` (row 2) may not use `api`"), "{sideways:?}");
        let testkit = findings("", "[dependencies]\ncorten-testkit.workspace = true\n");
        assert_eq!(testkit.len(), 1, "{testkit:?}");
    }

    #[test]
    fn table_and_crates_must_agree() {
        let tree = Tree::of(&[(MAP, "| 1 | `base` | x |\n"), ("crates/other/Cargo.toml", "")]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert!(found[0].contains("does not have crate `other`") && found[1].contains("`base`, which does not exist"));
    }
}
