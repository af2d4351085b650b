//! Images made in memory: a docker-archive (`manifest.json`, a configuration, layer tars) of a few
//! files, for tests that need a particular shape, hostile ones included.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::Digest as _;

/// One entry of a layer, written as given: nothing is made safe.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name in the tar, `../` and leading slashes included.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A regular file.
    File(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link to this text.
    Symlink(String),
    /// A hard link to this name.
    Hardlink(String),
    /// A character device with its major and minor number.
    Device(u32, u32),
}

impl Entry {
    /// A file with mode 0755.
    #[must_use]
    pub fn file(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            kind: Kind::File(content.into()),
            mode: 0o755,
        }
    }

    /// A directory with mode 0755.
    #[must_use]
    pub fn directory(path: &str) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Directory,
            mode: 0o755,
        }
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(path: &str, target: &str) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Symlink(target.into()),
            mode: 0o777,
        }
    }

    /// A hard link.
    #[must_use]
    pub fn hardlink(path: &str, target: &str) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Hardlink(target.into()),
            mode: 0o644,
        }
    }
}

/// An image to be.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    tag: String,
    layers: Vec<Vec<u8>>,
    config: Value,
    history: Option<Value>,
}

impl Archive {
    /// An image named `tag` without layers.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        Self {
            tag: tag.into(),
            layers: Vec::new(),
            config: json!({}),
            history: None,
        }
    }

    /// Adds a layer.
    pub fn layer(mut self, entries: &[Entry]) -> Result<Self> {
        self.layers.push(layer_tar(entries)?);
        Ok(self)
    }

    /// Adds a layer whose bytes are given, valid or not.
    #[must_use]
    pub fn raw_layer(mut self, bytes: Vec<u8>) -> Self {
        self.layers.push(bytes);
        self
    }

    /// Sets the `config` object of the image's configuration (`Cmd`, `Env`, `Volumes`, ...).
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// Sets the list of steps that it was made by (`created_by`, `empty_layer`, ...); else there is one for each layer.
    #[must_use]
    pub fn history(mut self, steps: Value) -> Self {
        self.history = Some(steps);
        self
    }

    /// The docker-archive.
    pub fn build(&self) -> Result<Vec<u8>> {
        let digests: Vec<String> = self.layers.iter().map(|layer| sha256(layer)).collect();
        let diff_ids: Vec<String> = digests.iter().map(|digest| format!("sha256:{digest}")).collect();
        let one_each = || digests.iter().map(|_| json!({"created_by": "testkit"})).collect();
        let config = serde_json::to_vec(&json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": self.history.clone().unwrap_or_else(one_each),
        }))?;
        let names: Vec<String> = digests.iter().map(|digest| format!("{digest}/layer.tar")).collect();
        let config_name = format!("{}.json", sha256(&config));
        let manifest = serde_json::to_vec(&json!([{"Config": config_name, "RepoTags": [self.tag], "Layers": names}]))?;
        let mut files = vec![(config_name, config)];
        files.extend(names.into_iter().zip(self.layers.iter().cloned()));
        files.push(("manifest.json".into(), manifest));
        let files: Vec<Entry> = files
            .into_iter()
            .map(|(name, content)| Entry {
                path: name,
                kind: Kind::File(content),
                mode: 0o644,
            })
            .collect();
        layer_tar(&files)
    }
}

/// A tar of `entries`, exactly as named.
pub fn layer_tar(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        let (kind, content, link): (_, &[u8], &str) = match &entry.kind {
            Kind::File(content) => (tar::EntryType::Regular, content, ""),
            Kind::Directory => (tar::EntryType::Directory, b"", ""),
            Kind::Symlink(target) => (tar::EntryType::Symlink, b"", target),
            Kind::Hardlink(target) => (tar::EntryType::Link, b"", target),
            Kind::Device(..) => (tar::EntryType::Char, b"", ""),
        };
        let mut header = tar::Header::new_gnu();
        put(&mut header.as_old_mut().name, &entry.path)?;
        put(&mut header.as_old_mut().linkname, link)?;
        header.set_entry_type(kind);
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(content.len() as u64);
        if let Kind::Device(major, minor) = entry.kind {
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
        }
        header.set_cksum();
        bytes.write_all(header.as_bytes())?;
        bytes.write_all(content)?;
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    Ok(bytes)
}

/// Puts a name into its header field without the checks that a writer of honest tars makes.
fn put(field: &mut [u8], text: &str) -> Result<()> {
    field
        .get_mut(..text.len())
        .with_context(|| format!("{text:?} is too long for a tar header"))?
        .copy_from_slice(text.as_bytes());
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_finds_what_was_put_in() {
        let entries = [
            Entry::file("../escape", "x"),
            Entry::symlink("link", "/etc"),
            Entry::directory("d/"),
        ];
        let archive = Archive::new("t:1").layer(&entries).unwrap().build().unwrap();
        let mut reader = tar::Archive::new(archive.as_slice());
        let names: Vec<String> = reader
            .entries()
            .unwrap()
            .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
            .collect();
        assert_eq!(names.len(), 3);
        assert!(names[0].ends_with(".json") && names[1].ends_with("/layer.tar") && names[2] == "manifest.json");
        let layer = layer_tar(&entries).unwrap();
        let mut reader = tar::Archive::new(layer.as_slice());
        let first = reader.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(&*first.path_bytes(), b"../escape");
    }
}
