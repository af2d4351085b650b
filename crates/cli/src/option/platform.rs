//! `--platform`: `os[/architecture[/variant]]`, as the API takes it. Names are made Docker's (containerd's platforms).

use serde::Serialize;

/// The text names no platform. Displays as Docker's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlatformError {
    #[error("{0:?}: cannot parse platform specifier: invalid argument")]
    Parts(String),
    #[error(
        "{component:?} is an invalid component of {given:?}: platform specifier component must match \"^[A-Za-z0-9_.-]+$\": invalid argument"
    )]
    Component { component: String, given: String },
    #[error(
        "{component:?} is an invalid OS component of {given:?}: OSAndVersion specifier component must match \"^([A-Za-z0-9_-]+)(?:\\\\(([A-Za-z0-9_.-]*)\\\\))?$\": invalid argument"
    )]
    System { component: String, given: String },
    #[error("{0:?}: unknown operating system or architecture: invalid argument")]
    Unknown(String),
}

#[derive(Debug, Serialize)]
struct Platform {
    architecture: String,
    os: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
}

const SYSTEMS: &[&str] = &[
    "linux", "windows", "darwin", "freebsd", "openbsd", "netbsd", "solaris", "plan9", "wasip1",
];
const ARCHITECTURES: &[&str] = &[
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
    "s390x", "wasm",
];

/// The platform as JSON; empty where none is given.
pub(crate) fn encoded(given: Option<&str>) -> Result<String, PlatformError> {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Ok(String::new());
    };
    let platform = read(given)?;
    Ok(serde_json::to_string(&platform).unwrap_or_default())
}

fn read(given: &str) -> Result<Platform, PlatformError> {
    // What is behind the third separator is not taken apart, and is wrong in any case.
    let parts: Vec<&str> = given.splitn(4, '/').collect();
    check(given, &parts)?;
    let parts: Vec<String> = parts.into_iter().map(str::to_lowercase).collect();
    let made = |os: &str, architecture: &str, variant: Option<&str>| {
        let (architecture, mut usual_variant) = usual(architecture, variant.unwrap_or_default());
        // What one of them has anyway is said if it was, and only then.
        match (architecture.as_str(), usual_variant.as_str(), variant) {
            ("arm", "v7", None) => usual_variant.clear(),
            ("arm64", "", Some(_)) => "v8".clone_into(&mut usual_variant),
            _ => {}
        }
        let variant = usual_variant;
        Platform {
            architecture,
            os: usual_system(os).to_owned(),
            variant,
        }
    };
    match parts.as_slice() {
        [one] if SYSTEMS.contains(&usual_system(one)) => Ok(made(one, std::env::consts::ARCH, None)),
        [one] if ARCHITECTURES.contains(&usual(one, "").0.as_str()) => Ok(made("linux", one, None)),
        [_] => Err(PlatformError::Unknown(given.to_owned())),
        [os, architecture] => Ok(made(os, architecture, None)),
        [os, architecture, variant] => Ok(made(os, architecture, Some(variant))),
        _ => Err(PlatformError::Parts(given.to_owned())),
    }
}

/// Whether each part is made of the characters that it may have. A system's version is not taken.
fn check(given: &str, parts: &[&str]) -> Result<(), PlatformError> {
    let word = |part: &str, marks: &[u8]| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
    };
    for (at, part) in parts.iter().enumerate() {
        let (component, given) = ((*part).to_owned(), given.to_owned());
        // One word alone may be a processor, and is read as a system first.
        if at == 0 && !word(part, b"_-") {
            return Err(PlatformError::System { component, given });
        }
        if !word(part, b"_.-") {
            return Err(PlatformError::Component { component, given });
        }
    }
    Ok(())
}

fn usual_system(os: &str) -> &str {
    if os == "macos" { "darwin" } else { os }
}

fn usual(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = match (architecture, variant) {
        ("i386" | "i686" | "x86", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms() {
        let read = |text: &str| encoded(Some(text)).unwrap_or_else(|error| error.to_string());
        assert_eq!(encoded(None), Ok(String::new()));
        assert_eq!(read("linux/x86_64"), r#"{"architecture":"amd64","os":"linux"}"#);
        assert_eq!(read("arm64"), r#"{"architecture":"arm64","os":"linux"}"#);
        assert_eq!(read("linux/arm"), r#"{"architecture":"arm","os":"linux"}"#);
        assert_eq!(
            read("linux/arm64/v8"),
            r#"{"architecture":"arm64","os":"linux","variant":"v8"}"#
        );
        assert_eq!(
            read("foo"),
            "\"foo\": unknown operating system or architecture: invalid argument"
        );
        assert_eq!(
            read("a/b/c/d"),
            "\"a/b/c/d\": cannot parse platform specifier: invalid argument"
        );
        for (given, part) in [("a/b/c/d/e", "d/e"), ("linux/", ""), ("linux/a b", "a b")] {
            let text =
                format!("{part:?} is an invalid component of {given:?}: platform specifier component must match");
            assert!(read(given).starts_with(&text), "{}", read(given));
        }
        assert_eq!(
            read("a b"),
            "\"a b\" is an invalid OS component of \"a b\": OSAndVersion specifier component must match \
             \"^([A-Za-z0-9_-]+)(?:\\\\(([A-Za-z0-9_.-]*)\\\\))?$\": invalid argument"
        );
    }
}
