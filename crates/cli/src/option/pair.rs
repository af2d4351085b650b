//! `key=value` texts: labels, log options, sysctls; from options and from files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

use corten_api::Map;

/// Labels could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    #[error("open {path}: {reason}")]
    Open { path: String, reason: String },
    #[error("invalid env file ({path}): read {path}: {reason}")]
    Read { path: String, reason: String },
    #[error("{path}: line {line}: no variable name on line '{text}'")]
    NoName { path: String, line: usize, text: String },
    #[error("{path}: line {line}: variable '{name}' contains whitespaces")]
    Whitespace { path: String, line: usize, name: String },
    #[error("{path}: invalid utf8 bytes")]
    Encoding { path: String },
}

/// Splits each text at its first `=`; a missing value is empty. The last one of a key counts.
pub(crate) fn map<'a>(texts: impl IntoIterator<Item = &'a str>) -> Map<String> {
    let pairs = texts.into_iter().map(|text| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (text.to_owned(), String::new()),
    });
    Map::from(pairs.collect::<BTreeMap<_, _>>())
}

/// The lines of a file of `key=value`: comments and empty lines dropped, leading blanks too. A line
/// without `=` becomes what `lookup` knows of it, or disappears.
pub(crate) fn read_file(path: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, PairError> {
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).map_err(|error| PairError::Open {
        path: path.to_owned(),
        reason: reason(&error),
    })?;
    file.read_to_end(&mut bytes).map_err(|error| PairError::Read {
        path: path.to_owned(),
        reason: reason(&error),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| PairError::Encoding { path: path.to_owned() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        check_name(path, index + 1, line, name)?;
        match value {
            Some(value) => pairs.push(format!("{name}={value}")),
            None => pairs.extend(lookup(name).map(|value| format!("{name}={value}"))),
        }
    }
    Ok(pairs)
}

fn check_name(path: &str, line: usize, text: &str, name: &str) -> Result<(), PairError> {
    if name.is_empty() {
        return Err(PairError::NoName {
            path: path.to_owned(),
            line,
            text: text.to_owned(),
        });
    }
    if name.contains(char::is_whitespace) {
        return Err(PairError::Whitespace {
            path: path.to_owned(),
            line,
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// The kernel's reason in the words that Go uses.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error")
                .map_or(text.as_str(), |(words, _)| words)
                .to_lowercase()
        }
    }
}

/// A label's name may not be empty.
pub(crate) fn check_label(text: &str) -> Result<(), String> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    if name.trim().is_empty() {
        Err(format!("invalid label '{text}': empty name"))
    } else {
        Ok(())
    }
}

/// Kernel settings that belong to a namespace.
pub(crate) fn check_sysctl(text: &str) -> Result<(), String> {
    const WHOLE: [&str; 9] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
        "kernel.domainname",
    ];
    let allowed = text
        .split_once('=')
        .is_some_and(|(name, _)| WHOLE.contains(&name) || name.starts_with("net.") || name.starts_with("fs.mqueue."));
    if allowed {
        Ok(())
    } else {
        Err(format!("sysctl '{text}' is not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let path = std::env::temp_dir().join(format!("corten-pair-{}", std::process::id()));
        fs::write(&path, "# comment\n\n  A=1 2 \nB\nC\nD=\n").unwrap();
        let read = read_file(path.to_str().unwrap(), |name| (name == "B").then(|| "here".to_owned()));
        fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), ["A=1 2 ", "B=here", "D="]);
        assert_eq!(
            read_file("/nowhere", |_| None).unwrap_err().to_string(),
            "open /nowhere: no such file or directory"
        );
    }

    #[test]
    fn checks() {
        assert!(check_label("a").is_ok());
        assert!(check_label("=b").is_err());
        assert!(check_sysctl("net.ipv4.ip_forward=1").is_ok());
        assert!(check_sysctl("vm.swappiness=1").is_err());
        assert_eq!(map(["a=1", "b", "a=2"])["a"], "2");
    }
}
