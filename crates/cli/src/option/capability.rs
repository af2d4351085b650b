//! `--cap-add` and `--cap-drop`: names in capitals with `CAP_` in front, sorted, each once.

/// The names as they are sent.
pub(crate) fn normalise<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = names
        .map(|name| {
            let name = name.trim().to_uppercase();
            if name == "ALL" || name.starts_with("CAP_") {
                name
            } else {
                format!("CAP_{name}")
            }
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(
            normalise(["net_admin", "CAP_CHOWN", "all", "chown"].into_iter()),
            ["ALL", "CAP_CHOWN", "CAP_NET_ADMIN"]
        );
    }
}
