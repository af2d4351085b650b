//! Tests by the names of their files: `tests/e2e/tests/e2e/reach/tcp.rs::function`.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Test programs, and where their sources are.
const PROGRAMS: [(&str, &str); 3] = [
    ("e2e", "tests/e2e/tests/e2e"),
    ("course", "tests/e2e/tests/course"),
    ("program", "crates/cli/tests/program"),
];

/// The repository's files.
#[derive(Debug)]
pub(super) struct Sources(PathBuf);

impl Sources {
    /// Those below `root`.
    pub(super) fn of(root: &Path) -> Result<Self> {
        Ok(Self(root.canonicalize()?))
    }

    /// The file's name for a test as it names itself while it runs: `e2e::reach::tcp::function`.
    pub(super) fn name(&self, running: &str) -> Option<String> {
        let (program, path) = running.split_once("::")?;
        let (modules, function) = path.rsplit_once("::")?;
        let (_, directory) = PROGRAMS.iter().find(|(name, _)| *name == program)?;
        let file = format!("{directory}/{}", modules.replace("::", "/"));
        let candidates = [format!("{file}.rs"), format!("{file}/mod.rs")];
        let mut names = candidates.into_iter().map(|path| format!("{path}::{function}"));
        names.find(|name| self.has(name))
    }

    /// Whether a test of that name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        let Some((file, function)) = name.split_once("::") else {
            return false;
        };
        let source = std::fs::read_to_string(self.0.join(file)).unwrap_or_default();
        source.contains(&format!("fn {function}("))
    }
}

/// Test program and path of a test by its file's name, as cargo wants them.
pub(super) fn program_and_path(name: &str) -> Option<(&'static str, String)> {
    let (file, function) = name.split_once("::")?;
    PROGRAMS.iter().find_map(|(program, directory)| {
        let modules = file.strip_prefix(directory)?.strip_prefix('/')?.strip_suffix(".rs")?;
        let modules = modules.trim_end_matches("/mod").replace('/', "::");
        Some((*program, format!("{modules}::{function}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_tests_are_found() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sources = Sources::of(&directory).expect("the repository is there");
        let name = sources.name("course::listed::the_list_of_rows_is_true");
        assert_eq!(
            name.as_deref(),
            Some("tests/e2e/tests/course/listed.rs::the_list_of_rows_is_true")
        );
        assert_eq!(sources.name("course::listed::no_such_test"), None);
        assert!(!sources.has("nothing"));
        assert_eq!(
            program_and_path("tests/e2e/tests/e2e/reach/mod.rs::f"),
            Some(("e2e", "reach::f".to_owned()))
        );
    }
}
