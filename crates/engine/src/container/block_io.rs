//! Limits and weights for block devices.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use corten_api::List;
use corten_api::container::{HostConfig, ThrottleDevice};
use corten_runtime::host::Host;
use corten_runtime::plan::Layout;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// What is said where a weight for block devices has no effect.
pub(crate) const NO_WEIGHT: &str =
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.";

/// Whether the kernel can weigh a group's use of block devices.
pub(crate) fn has_weight(host: &Host) -> bool {
    let (controller, files) = match host.layout {
        Layout::V1 => ("blkio", ["blkio.weight", "blkio.bfq.weight"]),
        Layout::V2 => ("io", ["io.weight", "io.bfq.weight"]),
    };
    let mut hierarchies = host.hierarchies.iter();
    hierarchies.any(|hierarchy| {
        let own = hierarchy.own.strip_prefix("/").unwrap_or(&hierarchy.own);
        hierarchy.controllers.iter().any(|name| name == controller) && weighs(&hierarchy.mount, own, files)
    })
}

/// The root group has no weight; every other with the controller does, so the groups below it tell.
fn weighs(mount: &Path, own: &Path, files: [&str; 2]) -> bool {
    let has = |group: &Path| files.iter().any(|file| group.join(file).exists());
    let below = || fs::read_dir(mount).into_iter().flatten().flatten();
    has(mount) || has(&mount.join(own)) || below().any(|entry| has(&entry.path()))
}

/// What is said where a weight for one device has no effect.
const NO_WEIGHT_DEVICE: &str =
    "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.";

/// What a creation warns of.
pub(crate) fn warnings(config: &HostConfig, host: &Host) -> Vec<String> {
    let mut warnings = Vec::new();
    if (config.blkio_weight != 0 || !config.blkio_weight_device.is_empty()) && !has_weight(host) {
        if config.blkio_weight != 0 {
            warnings.push(NO_WEIGHT.to_owned());
        }
        if !config.blkio_weight_device.is_empty() {
            warnings.push(NO_WEIGHT_DEVICE.to_owned());
        }
    }
    warnings
}

/// Takes away what the kernel cannot do and [`warnings`] told of.
pub(crate) fn discard(config: &mut HostConfig, host: &Host) {
    if (config.blkio_weight != 0 || !config.blkio_weight_device.is_empty()) && !has_weight(host) {
        config.blkio_weight = 0;
        config.blkio_weight_device = List::from(Vec::new());
    }
}

/// The limits in the specification's form (runtime-spec config-linux.md#block-io); null without any. Looks
/// the devices up, so it blocks.
pub(crate) fn limits(host: &HostConfig) -> Result<Value> {
    let throttles = [
        ("throttleReadBpsDevice", &host.blkio_device_read_bps),
        ("throttleWriteBpsDevice", &host.blkio_device_write_bps),
        ("throttleReadIOPSDevice", &host.blkio_device_read_iops),
        ("throttleWriteIOPSDevice", &host.blkio_device_write_iops),
    ];
    let mut limits = json!({});
    for (name, devices) in throttles {
        if !devices.is_empty() {
            limits[name] = devices.iter().map(throttle).collect::<Result<Vec<Value>>>()?.into();
        }
    }
    if host.blkio_weight != 0 {
        limits["weight"] = host.blkio_weight.into();
    }
    let mut weights = Vec::new();
    for device in &host.blkio_weight_device {
        let (major, minor) = numbers(&device.path)?;
        weights.push(json!({ "major": major, "minor": minor, "weight": device.weight }));
    }
    if !weights.is_empty() {
        limits["weightDevice"] = weights.into();
    }
    Ok(if limits == json!({}) { Value::Null } else { limits })
}

fn throttle(device: &ThrottleDevice) -> Result<Value> {
    let (major, minor) = numbers(&device.path)?;
    Ok(json!({ "major": major, "minor": minor, "rate": device.rate }))
}

fn numbers(path: &str) -> Result<(u32, u32)> {
    let metadata = fs::metadata(path).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        Error::internal(format!("stat {path}: {why}"))
    })?;
    if !metadata.file_type().is_block_device() {
        return Err(Error::internal(format!("{path} is not a block device")));
    }
    let device = metadata.rdev();
    Ok((rustix::fs::major(device), rustix::fs::minor(device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_looked_for_below_the_root_group() {
        let mount = tempfile::tempdir().expect("a directory");
        let files = ["blkio.weight", "blkio.bfq.weight"];
        let own = Path::new("");
        fs::create_dir(mount.path().join("group")).expect("a group");
        assert!(!weighs(mount.path(), own, files));
        fs::write(mount.path().join("group/blkio.bfq.weight"), "100").expect("its weight");
        assert!(weighs(mount.path(), own, files));
    }

    #[test]
    fn devices_are_looked_up() {
        let throttle = |path: &str| HostConfig {
            blkio_device_read_bps: vec![ThrottleDevice {
                path: path.to_owned(),
                rate: 5,
            }]
            .into(),
            ..HostConfig::default()
        };
        assert_eq!(limits(&HostConfig::default()).expect("none"), Value::Null);
        for (path, message) in [
            ("/dev/nosuch", "stat /dev/nosuch: no such file or directory"),
            ("/dev/null", "/dev/null is not a block device"),
        ] {
            assert_eq!(limits(&throttle(path)).expect_err("refused").message, message);
        }
    }
}
