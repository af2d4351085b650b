//! Platforms as `os[/architecture[/variant]]`, with the aliases that Docker accepts (`x86_64`, `aarch64`, ...).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system and processor, in Go's names (`linux`, `amd64`, `v8`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Operating system, `linux`.
    pub os: String,
    /// Processor, `amd64`.
    pub architecture: String,
    /// Processor variant, `v7`; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// The text is not a platform. Displays as Docker's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePlatformError {
    /// A part has characters that no platform has.
    #[error(
        "{component:?} is an invalid component of {text:?}: platform specifier component must match \"^[A-Za-z0-9_.-]+$\": invalid argument"
    )]
    Component {
        /// The whole text.
        text: String,
        /// The wrong part.
        component: String,
    },
    /// One word that is neither an operating system nor a processor.
    #[error("{0:?}: unknown operating system or architecture: invalid argument")]
    Unknown(String),
    /// More than three parts.
    #[error("{0:?}: cannot parse platform specifier: invalid argument")]
    Parts(String),
}

impl Platform {
    /// The platform that this program was built for.
    #[must_use]
    pub fn host() -> Self {
        let (architecture, variant) = normalise(std::env::consts::ARCH, "");
        Self {
            os: "linux".into(),
            architecture,
            variant,
        }
    }

    /// Whether something for `self` is what was asked for by `wanted`; a part that one of them leaves out fits any.
    #[must_use]
    pub fn suits(&self, wanted: &Self) -> bool {
        let same = |own: &str, wanted: &str| own.is_empty() || wanted.is_empty() || own == wanted;
        same(&self.os, &wanted.os)
            && same(&self.architecture, &wanted.architecture)
            && same(&self.variant, &wanted.variant)
    }

    /// Whether an image for `self` runs on `host` without emulation: same system and processor, and no
    /// variant above the host's.
    #[must_use]
    pub fn runs_on(&self, host: &Self) -> bool {
        let same = self.os == host.os && self.architecture == host.architecture;
        same && (self.variant.is_empty() || host.variant.is_empty() || self.variant <= host.variant)
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;
    fn from_str(text: &str) -> Result<Self, ParsePlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let valid = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        if let Some(component) = parts.iter().find(|part| !valid(part)) {
            return Err(ParsePlatformError::Component {
                text: text.into(),
                component: (*component).into(),
            });
        }
        let host = Self::host();
        match parts.as_slice() {
            [word] if is_os(word) => Ok(Self {
                os: word.to_ascii_lowercase(),
                ..host
            }),
            [word] => {
                let (architecture, variant) = normalise(word, "");
                let known = is_architecture(&architecture);
                known
                    .then_some(Self {
                        os: host.os,
                        architecture,
                        variant,
                    })
                    .ok_or_else(|| ParsePlatformError::Unknown(text.into()))
            }
            [os, architecture] => Ok(Self::of(os, architecture, "")),
            [os, architecture, variant] => Ok(Self::of(os, architecture, variant)),
            _ => Err(ParsePlatformError::Parts(text.into())),
        }
    }
}

impl Platform {
    fn of(os: &str, architecture: &str, variant: &str) -> Self {
        let (architecture, variant) = normalise(architecture, variant);
        Self {
            os: os.to_ascii_lowercase(),
            architecture,
            variant,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() {
            Ok(())
        } else {
            write!(f, "/{}", self.variant)
        }
    }
}

fn is_os(word: &str) -> bool {
    let systems = [
        "linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "android", "wasip1", "js",
    ];
    systems.contains(&word.to_ascii_lowercase().as_str())
}

fn is_architecture(word: &str) -> bool {
    let known = [
        "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le",
    ];
    known.contains(&word) || ["riscv64", "s390x", "wasm"].contains(&word)
}

/// Go's name and variant for a processor; default variants are dropped.
fn normalise(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let (name, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386" | "x86", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64" | "amd64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", other) => ("arm64", other),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        (name, variant) => (name, variant),
    };
    (name.to_owned(), variant.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_defaults() {
        for (text, want) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("Linux/ARM/6", "linux/arm/v6"),
            ("riscv64", "linux/riscv64"),
        ] {
            assert_eq!(
                text.parse::<Platform>().map(|platform| platform.to_string()).as_deref(),
                Ok(want)
            );
        }
        for bad in ["", "a/b/c/d", "linux/", "plan/9 ", "nonsense"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
