//! Archives built in memory, for tests.

use corten_base::Digest;
use serde_json::json;

/// One entry of a layer: path, type byte, mode, link target or content.
pub(crate) struct Entry<'a> {
    pub(crate) path: &'a str,
    pub(crate) kind: u8,
    pub(crate) mode: u32,
    pub(crate) link: &'a str,
    pub(crate) content: &'a [u8],
    pub(crate) owner: u64,
    pub(crate) device: (u32, u32),
}

pub(crate) fn entry<'a>(kind: u8, path: &'a str) -> Entry<'a> {
    let mode = if kind == b'5' { 0o755 } else { 0o644 };
    Entry {
        path,
        kind,
        mode,
        link: "",
        content: b"",
        owner: 0,
        device: (0, 0),
    }
}

pub(crate) fn file<'a>(path: &'a str, content: &'a [u8]) -> Entry<'a> {
    Entry {
        content,
        ..entry(b'0', path)
    }
}

pub(crate) fn directory(path: &str, mode: u32) -> Entry<'_> {
    Entry {
        mode,
        ..entry(b'5', path)
    }
}

pub(crate) fn link<'a>(kind: u8, path: &'a str, target: &'a str) -> Entry<'a> {
    Entry {
        link: target,
        ..entry(kind, path)
    }
}

/// A tar of the entries, names written as they are.
pub(crate) fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        out.extend_from_slice(&raw(entry));
    }
    out.extend_from_slice(&[0; 1024]);
    out
}

/// One header with its content, whatever the name.
pub(crate) fn raw(entry: &Entry<'_>) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let bytes = header.as_mut_bytes();
    bytes[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
    bytes[157..157 + entry.link.len()].copy_from_slice(entry.link.as_bytes());
    header.set_entry_type(tar::EntryType::new(entry.kind));
    header.set_mode(entry.mode);
    header.set_uid(entry.owner);
    header.set_gid(entry.owner);
    header.set_mtime(1_700_000_000);
    header.set_size(entry.content.len() as u64);
    header.set_device_major(entry.device.0).expect("device");
    header.set_device_minor(entry.device.1).expect("device");
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(entry.content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A configuration for the layers given as plain tars.
pub(crate) fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    json!({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"], "Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": layers.iter().map(|_| json!({"created_by": "test"})).collect::<Vec<_>>(),
    })
    .to_string()
    .into_bytes()
}

/// A docker-archive with the manifest last; `stored` are the layers as they lie in it, perhaps compressed.
pub(crate) fn docker_archive(config: &[u8], stored: &[Vec<u8>], tags: &[&str]) -> Vec<u8> {
    let config_name = format!("{}.json", Digest::of(config).hex());
    let names: Vec<String> = (0..stored.len()).map(|number| format!("{number}/layer.tar")).collect();
    let manifest = json!([{"Config": config_name, "RepoTags": tags, "Layers": names}]).to_string();
    let mut entries: Vec<Entry<'_>> = names
        .iter()
        .zip(stored)
        .map(|(name, layer)| file(name, layer))
        .collect();
    entries.push(file(&config_name, config));
    entries.push(file("manifest.json", manifest.as_bytes()));
    tar(&entries)
}
