//! `--security-opt`: a seccomp profile's file is sent as its content.

use std::fs;
use std::io::Read as _;

use corten_api::List;

use super::pair;

/// The option cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecurityError {
    #[error("Invalid --security-opt: {0:?}")]
    Form(String),
    #[error("opening seccomp profile ({path}) failed: open {path}: {reason}")]
    Open { path: String, reason: String },
    #[error("opening seccomp profile ({path}) failed: read {path}: {reason}")]
    Read { path: String, reason: String },
    #[error("compacting json for seccomp profile ({path}) failed: {reason}")]
    Json { path: String, reason: String },
}

/// The options as they are sent, and what `systempaths=unconfined` takes away.
#[derive(Debug, Default)]
pub(crate) struct Security {
    /// For the engine.
    pub(crate) options: List<String>,
    /// Whether no path of `/proc` and `/sys` is hidden or read-only.
    pub(crate) paths_unconfined: bool,
}

/// Reads all values.
pub(crate) fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Result<Security, SecurityError> {
    let mut security = Security::default();
    for value in values {
        if value == "systempaths=unconfined" {
            security.paths_unconfined = true;
            security.options = List::from(std::mem::take(&mut security.options).into_vec());
            continue;
        }
        let option = read(value)?;
        security.options.push(option);
    }
    Ok(security)
}

fn read(value: &str) -> Result<String, SecurityError> {
    let (key, rest) = match (value.split_once('='), value.split_once(':')) {
        (Some((key, rest)), _) => (key, rest),
        (None, Some((key, rest))) if value != "no-new-privileges" => (key, rest),
        (None, _) if value == "no-new-privileges" => return Ok(value.to_owned()),
        (None, _) => return Err(SecurityError::Form(value.to_owned())),
    };
    if key != "seccomp" || rest == "unconfined" || rest == "builtin" {
        return Ok(value.to_owned());
    }
    Ok(format!("{key}={}", compact(rest)?))
}

fn compact(path: &str) -> Result<String, SecurityError> {
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).map_err(|error| SecurityError::Open {
        path: path.to_owned(),
        reason: pair::reason(&error),
    })?;
    file.read_to_end(&mut bytes).map_err(|error| SecurityError::Read {
        path: path.to_owned(),
        reason: pair::reason(&error),
    })?;
    let text = String::from_utf8_lossy(&bytes);
    crate::json::compact(&text).map_err(|error| SecurityError::Json {
        path: path.to_owned(),
        reason: crate::json::complaint(&bytes).unwrap_or_else(|| error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let security = parse(["no-new-privileges", "apparmor=x", "label:disable"].into_iter()).unwrap();
        assert_eq!(*security.options, ["no-new-privileges", "apparmor=x", "label:disable"]);
        assert!(parse(["x"].into_iter()).is_err());
        assert_eq!(
            parse(["seccomp=/nowhere"].into_iter()).unwrap_err().to_string(),
            "opening seccomp profile (/nowhere) failed: open /nowhere: no such file or directory"
        );
        for (profile, error) in [
            ("/", "opening seccomp profile (/) failed: read /: is a directory"),
            (
                "/proc/self/comm",
                "compacting json for seccomp profile (/proc/self/comm) failed: invalid character",
            ),
        ] {
            let found = parse([format!("seccomp={profile}").as_str()].into_iter()).unwrap_err();
            assert!(found.to_string().starts_with(error), "{found}");
        }
        let path = std::env::temp_dir().join(format!("corten-seccomp-{}", std::process::id()));
        fs::write(&path, "{\n  \"b\": [1, 2],\n \"a\": \"x y\"}\n").unwrap();
        let security = parse([format!("seccomp={}", path.display()).as_str()].into_iter()).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(*security.options, ["seccomp={\"b\":[1,2],\"a\":\"x y\"}"]);
    }
}
