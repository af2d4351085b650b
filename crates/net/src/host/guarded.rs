//! Which versions of IP Corten has opened the host for and guards, on disk: the guard itself is a table, and whoever removes
//! it while no daemon runs (`nft flush ruleset`) leaves a router that is open to all.
//!
//! Disk: one file, below the run directory, as it means nothing after a reboot:
//! ```text
//! net:[4026531840] 4 6        the network namespace, the versions
//! ```

use std::fs;
use std::io;
use std::path::PathBuf;

use corten_base::file::write_atomic;

use crate::forwarding::Version;

/// The file.
#[derive(Debug)]
pub(super) struct Memory {
    file: PathBuf,
    namespace: String,
}

impl Memory {
    pub(super) fn new(file: PathBuf) -> Self {
        let namespace = fs::read_link("/proc/thread-self/ns/net");
        let namespace = namespace.map(|path| path.to_string_lossy().into_owned());
        Self {
            file,
            namespace: namespace.unwrap_or_default(),
        }
    }

    /// What was written for this network namespace.
    pub(super) fn read(&self) -> Vec<Version> {
        match fs::read_to_string(&self.file) {
            Ok(text) => decode(&text, &self.namespace),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %self.file.display(), %error, "it is not known who turned forwarding on");
                }
                Vec::new()
            }
        }
    }

    /// Nothing is lost without it but what a flush while no daemon runs takes.
    pub(super) fn write(&self, versions: &[Version]) {
        let text = encode(versions, &self.namespace);
        if fs::read_to_string(&self.file).is_ok_and(|former| former == text) {
            return;
        }
        if let Err(error) = write_atomic(&self.file, text.as_bytes()) {
            tracing::warn!(path = %self.file.display(), %error, "who turned forwarding on is not remembered");
        }
    }
}

fn encode(versions: &[Version], namespace: &str) -> String {
    let has = |version, digit| if versions.contains(&version) { digit } else { "" };
    format!("{namespace}{}{}\n", has(Version::V4, " 4"), has(Version::V6, " 6"))
}

fn decode(text: &str, namespace: &str) -> Vec<Version> {
    let mut words = text.split_whitespace();
    if words.next() != Some(namespace) {
        return Vec::new();
    }
    let version = |word| match word {
        "4" => Some(Version::V4),
        "6" => Some(Version::V6),
        _ => None,
    };
    words.filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_in_its_namespace_alone() {
        for versions in [vec![], vec![Version::V4], vec![Version::V4, Version::V6]] {
            let text = encode(&versions, "net:[1]");
            assert_eq!(decode(&text, "net:[1]"), versions, "{text}");
            assert_eq!(decode(&text, "net:[2]"), []);
        }
        assert_eq!(decode("", "net:[1]"), []);
        assert_eq!(decode("net:[1] x 6", "net:[1]"), [Version::V6]);
    }

    #[test]
    fn what_is_not_there_says_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let memory = Memory::new(directory.path().join("forwarding"));
        assert_eq!(memory.read(), []);
        memory.write(&[Version::V6]);
        assert_eq!(memory.read(), [Version::V6]);
    }
}
