//! Just enough of a Cargo.toml: which dependencies its sections name.

/// One dependency of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    /// Its name.
    pub(super) name: String,
    /// The section, `dependencies` or `dev-dependencies` and so on.
    pub(super) section: String,
    /// What follows the equals sign.
    pub(super) value: String,
}

impl Dependency {
    /// Whether only tests and benchmarks use it.
    pub(super) fn is_for_tests(&self) -> bool {
        self.section.ends_with("dev-dependencies")
    }
}

/// The dependencies of all sections, those for one target included.
pub(super) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| section.ends_with("dependencies")) else {
            continue;
        };
        if line.starts_with('#') {
            continue;
        }
        // `serde.workspace = true` and `serde = { workspace = true }` are the same.
        let (name, rest) = key.trim().split_once('.').unwrap_or((key.trim(), ""));
        let value = format!("{rest} {}", value.trim());
        found.push(Dependency {
            name: name.trim_matches('"').to_owned(),
            section: section.to_owned(),
            value,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n# b = 1\nc = { version = \"1\" }\n\
                    [target.'cfg(unix)'.dev-dependencies]\nd = \"2\"\n[lints]\nworkspace = true\n";
        let found = dependencies(text);
        let names: Vec<(&str, bool)> = found.iter().map(|d| (d.name.as_str(), d.is_for_tests())).collect();
        assert_eq!(names, [("a", false), ("c", false), ("d", true)]);
        assert_eq!(found[0].value, "workspace true");
    }
}
