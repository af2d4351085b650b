//! Devices of the host that a container is given: `--device`, and all of `/dev` for a privileged one.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use corten_api::container::HostConfig;

use super::spec::{DeviceNode, device_defaults};
use crate::cdi::{self, Edits};
use crate::error::{Error, Result};

/// Directories of `/dev` that hold no devices of the host, or a container's own.
const SKIPPED: &[&str] = &["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"];
/// How deep directories below `/dev` may be.
const DEPTH_LIMIT: u32 = 8;

/// The devices of a container. Reads `/dev`, so it blocks.
pub(crate) fn collect(host: &HostConfig) -> Result<Vec<DeviceNode>> {
    let mut nodes = Vec::new();
    if host.privileged {
        // A device that disappears while we look is none.
        scan(Path::new("/dev"), 0, &mut nodes);
    }
    for mapping in &host.devices {
        let (path, access) = device_defaults(mapping);
        let failed = |error: &dyn std::fmt::Display| {
            let name = &mapping.path_on_host;
            Error::internal(format!(
                "error gathering device information while adding custom device \"{name}\": {error}"
            ))
        };
        let source = Path::new(&mapping.path_on_host);
        match node(source, &path, &access) {
            Ok(Some(node)) => nodes.push(node),
            Ok(None) if source.is_dir() => {
                let mut found = Vec::new();
                scan(source, 0, &mut found);
                if found.is_empty() {
                    return Err(failed(&"not a device node"));
                }
                nodes.extend(found.into_iter().map(|node| below(node, source, &path, &access)));
            }
            Ok(None) => return Err(failed(&"not a device node")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(failed(&"no such file or directory")),
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(nodes)
}

/// The nodes of vendors' devices, as they are on the host where nothing else is said.
pub(crate) fn of_vendors(edits: &Edits) -> Result<Vec<DeviceNode>> {
    let look = |wanted: &cdi::Node| {
        let host = if wanted.host_path.is_empty() {
            &wanted.path
        } else {
            &wanted.host_path
        };
        let access = if wanted.permissions.is_empty() {
            "rwm"
        } else {
            &wanted.permissions
        };
        let failed = |why: &dyn std::fmt::Display| {
            cdi::failed(&format!(
                "failed to inject devices: failed to stat CDI host device {host:?}: {why}"
            ))
        };
        match node(Path::new(host), &wanted.path, access) {
            Ok(Some(found)) => Ok(DeviceNode {
                mode: wanted.file_mode.unwrap_or(found.mode),
                uid: wanted.uid.unwrap_or(found.uid),
                gid: wanted.gid.unwrap_or(found.gid),
                ..found
            }),
            Ok(None) => Err(failed(&"not a device node")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(failed(&"no such file or directory")),
            Err(error) => Err(failed(&error)),
        }
    };
    edits.device_nodes.iter().map(look).collect()
}

/// A device of a directory that appears at another path.
fn below(node: DeviceNode, directory: &Path, path: &str, access: &str) -> DeviceNode {
    let rest = Path::new(&node.host_path).strip_prefix(directory);
    let path = rest.map(|rest| Path::new(path).join(rest).display().to_string());
    DeviceNode {
        path: path.unwrap_or_else(|_outside| node.host_path.clone()),
        access: access.to_owned(),
        ..node
    }
}

fn node(source: &Path, path: &str, access: &str) -> io::Result<Option<DeviceNode>> {
    let metadata = fs::metadata(source)?;
    let kind = match metadata.file_type() {
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => return Ok(None),
    };
    Ok(Some(DeviceNode {
        path: path.to_owned(),
        host_path: source.display().to_string(),
        kind,
        major: rustix::fs::major(metadata.rdev()),
        minor: rustix::fs::minor(metadata.rdev()),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        access: access.to_owned(),
    }))
}

fn scan(directory: &Path, depth: u32, nodes: &mut Vec<DeviceNode>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if depth < DEPTH_LIMIT && !SKIPPED.iter().any(|skipped| name == *skipped) {
                scan(&entry.path(), depth + 1, nodes);
            }
        } else if name != "console"
            && (kind.is_char_device() || kind.is_block_device())
            && let Ok(Some(node)) = node(&entry.path(), &entry.path().display().to_string(), "rwm")
        {
            nodes.push(node);
        }
    }
}
