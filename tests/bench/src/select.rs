//! Which groups of rows are measured: all, or those that `BENCH` names.

use anyhow::{Result, ensure};

/// Every group, in the order of measurement. Those that would feel the rules of a Docker beside them come first.
pub(crate) const GROUPS: &[&str] = &[
    "sizes", "memory", "lives", "ports", "scale", "names", "networks", "files", "stats", "nginx", "logs", "run",
    "socket", "cpu", "docker", "clients", "many", "churn", "startup",
];

/// The chosen groups.
#[derive(Debug)]
pub(crate) struct Selection(Option<Vec<String>>);

impl Selection {
    /// Reads a comma-separated list; none, or an empty one, is all.
    ///
    /// # Errors
    /// A name that is no group.
    pub(crate) fn parse(list: Option<&str>) -> Result<Self> {
        let names: Vec<String> = list
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        for name in &names {
            ensure!(
                GROUPS.contains(&name.as_str()),
                "BENCH: no group {name}; there are {}",
                GROUPS.join(", ")
            );
        }
        Ok(Self((!names.is_empty()).then_some(names)))
    }

    pub(crate) fn has(&self, group: &str) -> bool {
        debug_assert!(GROUPS.contains(&group), "{group} is no group");
        self.0
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_some_or_refused() {
        assert!(Selection::parse(None).unwrap().has("logs"));
        assert!(Selection::parse(Some("")).unwrap().has("logs"));
        let some = Selection::parse(Some("logs,sizes")).unwrap();
        assert!(some.has("logs") && some.has("sizes") && !some.has("run"));
        let error = Selection::parse(Some("lgos")).unwrap_err().to_string();
        assert!(error.contains("no group lgos"), "{error}");
    }
}
