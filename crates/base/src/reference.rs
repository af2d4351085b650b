//! Image references as people write them and as they are stored.
//!
//! A short name is completed the way Docker does it: `busybox` means `docker.io/library/busybox`, and where
//! a tag is needed, `:latest`. The shortened form ("familiar") is what people are shown. The texts of
//! [`ParseReferenceError`] are Docker's, word for word: clients show them and tests compare them.
//!
//! Grammar: `[domain/]path[/path...][:tag][@sha256:hex]` (distribution reference v0.6).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The registry that a name without a domain means.
pub const DEFAULT_DOMAIN: &str = "docker.io";
/// The tag that a name without tag and digest means.
pub const DEFAULT_TAG: &str = "latest";
const LEGACY_DOMAIN: &str = "index.docker.io";
const OFFICIAL_PREFIX: &str = "library/";
const PATH_LENGTH_MAX: usize = 255;
const TAG_LENGTH_MAX: usize = 128;

/// A normalised image reference: always with a domain, with the tag and digest that were written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// What may stand where an image is named: a reference, or the full digest of an image's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyReference {
    /// A name, perhaps also readable as the prefix of an id.
    Named(Reference),
    /// `sha256:<64 hex>` or 64 hexadecimal digits alone.
    Id(Digest),
}

/// The text is not a reference. Displays as Docker's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// The text does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// The repository part has upper-case letters.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    /// 64 hexadecimal digits name an image id, never a repository.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    Identifier(String),
    /// The repository path is longer than 255 bytes.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
    /// The digest has the wrong number of digits.
    #[error("invalid checksum digest length")]
    DigestLength,
    /// The digest's algorithm is not SHA-256.
    #[error("unsupported digest algorithm")]
    DigestAlgorithm,
    /// The tag, given apart from the name, is not one.
    #[error("invalid tag format")]
    Tag,
}

impl Reference {
    /// Parses and normalises.
    ///
    /// # Errors
    /// With Docker's message for each kind of wrong text.
    pub fn parse(text: &str) -> Result<Self, ParseReferenceError> {
        if is_identifier(text) {
            return Err(ParseReferenceError::Identifier(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let remote = remainder.split(':').next().unwrap_or_default();
        if remote.chars().any(char::is_uppercase) {
            return Err(ParseReferenceError::Uppercase(remote.to_owned()));
        }
        let (named, digest) = match remainder.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (remainder.as_str(), None),
        };
        let (path, tag) = match named.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (named, None),
        };
        let valid = is_domain(domain) && is_path(path) && tag.is_none_or(is_tag);
        if !valid {
            return Err(ParseReferenceError::Format);
        }
        if path.len() > PATH_LENGTH_MAX {
            return Err(ParseReferenceError::TooLong);
        }
        let digest = digest.map(parse_digest).transpose()?;
        Ok(Self {
            domain: domain.to_owned(),
            path: path.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// The registry's domain, with its port if it has one.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository within the registry, `library/busybox`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The full repository name, `docker.io/library/busybox`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The repository name as people are shown it, `busybox`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.name();
        }
        match self.path.strip_prefix(OFFICIAL_PREFIX) {
            Some(official) if !official.contains('/') => official.to_owned(),
            _ => self.path.clone(),
        }
    }

    /// The whole reference as people are shown it, `busybox:1.36`.
    #[must_use]
    pub fn familiar(&self) -> String {
        self.with_suffixes(self.familiar_name())
    }

    /// The same with `:latest` if neither tag nor digest was given.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// The repository alone.
    #[must_use]
    pub fn without_tag(mut self) -> Self {
        self.tag = None;
        self.digest = None;
        self
    }

    /// The same repository with `tag`, and no digest.
    ///
    /// # Errors
    /// [`ParseReferenceError::Tag`].
    pub fn with_tag(mut self, tag: &str) -> Result<Self, ParseReferenceError> {
        if !is_tag(tag) {
            return Err(ParseReferenceError::Tag);
        }
        self.tag = Some(tag.to_owned());
        self.digest = None;
        Ok(self)
    }

    /// The same repository with `digest`, and no tag.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.tag = None;
        self.digest = Some(digest);
        self
    }

    fn with_suffixes(&self, mut text: String) -> String {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        text
    }
}

impl AnyReference {
    /// Parses what stands where an image is named.
    ///
    /// # Errors
    /// As [`Reference::parse`].
    pub fn parse(text: &str) -> Result<Self, ParseReferenceError> {
        let id = if is_identifier(text) {
            format!("sha256:{text}").parse()
        } else {
            text.parse::<Digest>()
        };
        match id {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Reference::parse(text).map(Self::Named),
        }
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;
    fn from_str(text: &str) -> Result<Self, ParseReferenceError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Reference {
    type Error = ParseReferenceError;
    fn try_from(text: String) -> Result<Self, ParseReferenceError> {
        Self::parse(&text)
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> String {
        reference.to_string()
    }
}

/// The full form, `docker.io/library/busybox:1.36`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_suffixes(self.name()))
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The domain that the first component is, or the default one; and the rest with `library/` where implied.
fn split_domain(text: &str) -> (&str, String) {
    let Some((first, rest)) = text.split_once('/') else {
        return (DEFAULT_DOMAIN, format!("{OFFICIAL_PREFIX}{text}"));
    };
    let is_domain = first == "localhost" || first.contains(['.', ':']) || first.chars().any(char::is_uppercase);
    let (domain, remainder) = match first {
        LEGACY_DOMAIN => (DEFAULT_DOMAIN, rest),
        _ if is_domain => (first, rest),
        _ => (DEFAULT_DOMAIN, text),
    };
    if domain == DEFAULT_DOMAIN && !remainder.contains('/') {
        return (domain, format!("{OFFICIAL_PREFIX}{remainder}"));
    }
    (domain, remainder.to_owned())
}

fn is_identifier(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let valid = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
            (valid, port)
        }
        None => {
            let (host, port) = domain.split_at(domain.find(':').unwrap_or(domain.len()));
            (host.split('.').all(is_domain_component), port)
        }
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_domain_component(component: &str) -> bool {
    !component.is_empty()
        && !component.starts_with('-')
        && !component.ends_with('-')
        && component
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_path(path: &str) -> bool {
    path.split('/').all(is_path_component)
}

/// Runs of lower-case letters and digits, joined by one `.`, one or two `_`, or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = component;
    loop {
        let run = rest.find(|c| !alphanumeric(c)).unwrap_or(rest.len());
        if run == 0 {
            return false;
        }
        rest = &rest[run..];
        if rest.is_empty() {
            return true;
        }
        let separator = rest.find(alphanumeric).unwrap_or(rest.len());
        let (between, next) = rest.split_at(separator);
        if !(matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')) {
            return false;
        }
        rest = next;
    }
}

/// Whether `tag` follows the grammar: up to 128 of letters, digits, `_`, `.`, `-`, not beginning with `.` or `-`.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_LENGTH_MAX
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn parse_digest(text: &str) -> Result<Digest, ParseReferenceError> {
    let (algorithm, hex) = text.split_once(':').ok_or(ParseReferenceError::Format)?;
    let component = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_digest = algorithm.split(['-', '_', '+', '.']).all(component)
        && hex.len() >= 32
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_digest {
        return Err(ParseReferenceError::Format);
    }
    match algorithm {
        "sha256" if hex.len() != 64 => Err(ParseReferenceError::DigestLength),
        "sha256" => text.parse().map_err(|_| ParseReferenceError::Format),
        _ => Err(ParseReferenceError::DigestAlgorithm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn completes_and_shortens() {
        for (text, full, familiar) in [
            ("busybox", "docker.io/library/busybox", "busybox"),
            ("busybox:1", "docker.io/library/busybox:1", "busybox:1"),
            ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
            ("index.docker.io/busybox", "docker.io/library/busybox", "busybox"),
            ("library/a/b", "docker.io/library/a/b", "library/a/b"),
            ("user/app", "docker.io/user/app", "user/app"),
            ("localhost/app", "localhost/app", "localhost/app"),
            ("host:5000/app:x", "host:5000/app:x", "host:5000/app:x"),
            ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
            ("Registry/app", "Registry/app", "Registry/app"),
            ("a__b-----c.d", "docker.io/library/a__b-----c.d", "a__b-----c.d"),
        ] {
            let reference = Reference::parse(text).expect(text);
            assert_eq!(
                (reference.to_string().as_str(), reference.familiar().as_str()),
                (full, familiar)
            );
            assert_eq!(Reference::parse(full).as_ref(), Ok(&reference));
        }
        let both = Reference::parse(&format!("a:1@sha256:{HEX}")).expect("tag and digest");
        assert_eq!(
            (both.tag(), both.digest().map(|d| d.hex())),
            (Some("1"), Some(HEX.to_owned()))
        );
        assert_eq!(Reference::parse("a").expect("name").or_latest().familiar(), "a:latest");
    }

    #[test]
    fn says_what_docker_says() {
        for (text, message) in [
            ("", "invalid reference format"),
            (
                "Foo",
                "invalid reference format: repository name (library/Foo) must be lowercase",
            ),
            (
                "a/Foo:B",
                "invalid reference format: repository name (a/Foo) must be lowercase",
            ),
            ("a:", "invalid reference format"),
            ("a:b:c", "invalid reference format"),
            ("-a", "invalid reference format"),
            ("a..b", "invalid reference format"),
            ("a___b", "invalid reference format"),
            ("a//b", "invalid reference format"),
            ("a@sha256:abc", "invalid reference format"),
            ("a b", "invalid reference format"),
            (
                "a@sha256:e3b0c44298fc1c149afbf4c8996fb924",
                "invalid checksum digest length",
            ),
            ("a@md5:e3b0c44298fc1c149afbf4c8996fb924", "unsupported digest algorithm"),
        ] {
            assert_eq!(
                Reference::parse(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
        let identifier = format!("invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings");
        assert_eq!(
            Reference::parse(HEX).map_err(|error| error.to_string()),
            Err(identifier)
        );
        let long = "a".repeat(250);
        assert_eq!(Reference::parse(&long), Err(ParseReferenceError::TooLong));
        assert_eq!(
            Reference::parse("a").expect("name").with_tag("-x"),
            Err(ParseReferenceError::Tag)
        );
    }

    #[test]
    fn ids_are_told_from_names() {
        let id = AnyReference::Id(Digest::of(b""));
        assert_eq!(AnyReference::parse(HEX).as_ref(), Ok(&id));
        assert_eq!(AnyReference::parse(&format!("sha256:{HEX}")).as_ref(), Ok(&id));
        assert!(matches!(
            AnyReference::parse("e3b0c44298fc"),
            Ok(AnyReference::Named(_))
        ));
    }

    proptest! {
        #[test]
        fn what_parses_reads_back(text in "[a-zA-Z0-9./:@_-]{0,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference.clone()));
                prop_assert_eq!(Reference::parse(&reference.familiar()), Ok(reference));
            }
        }
    }
}
