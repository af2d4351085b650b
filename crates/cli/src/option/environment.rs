//! `-e NAME=value`, `-e NAME` (taken from our own environment) and `--env-file`.

use super::pair::{self, PairError};

/// A variable needs a name.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if text.is_empty() || text.starts_with('=') {
        return Err(format!("invalid environment variable: {text}"));
    }
    Ok(())
}

/// All variables: files first, then options, in order. `NAME` without a value takes that of
/// `lookup`, and stays bare if there is none, which removes the image's variable.
pub(crate) fn collect<'a>(
    files: impl Iterator<Item = &'a str>,
    options: impl Iterator<Item = &'a str>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, PairError> {
    let mut variables = Vec::new();
    for path in files {
        variables.extend(pair::read_file(path, &lookup)?);
    }
    let given: Vec<String> = options
        .map(|text| match lookup(text) {
            Some(value) if !text.contains('=') => format!("{text}={value}"),
            Some(_) | None => text.to_owned(),
        })
        .collect();
    variables.extend(last_of_each(given));
    Ok(variables)
}

/// Each name once, where it was first given, with the value it was last given.
fn last_of_each(given: Vec<String>) -> Vec<String> {
    let name = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
    let mut kept: Vec<String> = Vec::new();
    for text in given {
        match kept.iter_mut().find(|earlier| name(earlier) == name(&text)) {
            Some(earlier) => *earlier = text,
            None => kept.push(text),
        }
    }
    kept
}

/// Our own environment.
pub(crate) fn ours(name: &str) -> Option<String> {
    if name.contains('=') || name.is_empty() {
        return None;
    }
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_names_are_looked_up() {
        let lookup = |name: &str| (name == "HOME").then(|| "/root".to_owned());
        let variables = collect([].into_iter(), ["A=1", "HOME", "GONE", "A=2"].into_iter(), lookup).unwrap();
        assert_eq!(variables, ["A=2", "HOME=/root", "GONE"]);
        assert!(check("=x").is_err());
        assert!(check("x").is_ok());
    }
}
