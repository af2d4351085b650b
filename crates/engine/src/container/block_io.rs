//! Limits and weights for block devices.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use corten_api::List;
use corten_api::container::{HostConfig, ThrottleDevice};
use corten_runtime::host::{Hierarchy, Host};
use corten_runtime::plan::Layout;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// What is said where a weight for block devices has no effect.
pub(crate) const NO_WEIGHT: &str =
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.";

/// Whether the kernel can weigh a group's use of block devices.
pub(crate) fn has_weight(host: &Host) -> bool {
    // What every group with the controller has but the root one, the weights, and Docker's answer where no group is.
    let (controller, mark, files, untold) = match host.layout {
        Layout::V1 => (
            "blkio",
            "blkio.throttle.io_serviced",
            ["blkio.weight", "blkio.bfq.weight"],
            false,
        ),
        Layout::V2 => ("io", "io.max", ["io.weight", "io.bfq.weight"], true),
    };
    let mut hierarchies = host.hierarchies.iter();
    hierarchies.any(|hierarchy| {
        let own = hierarchy.own.strip_prefix("/").unwrap_or(&hierarchy.own);
        has_controller(hierarchy, controller) && weighs(&hierarchy.mount, own, mark, files).unwrap_or(untold)
    })
}

fn has_controller(hierarchy: &Hierarchy, controller: &str) -> bool {
    if !hierarchy.unified {
        return hierarchy.controllers.iter().any(|name| name == controller);
    }
    let there = fs::read_to_string(hierarchy.mount.join("cgroup.controllers"));
    there.is_ok_and(|text| text.split_whitespace().any(|name| name == controller))
}

/// The root group has no weight, so the groups below it tell; nothing if there is none with the controller.
fn weighs(mount: &Path, own: &Path, mark: &str, files: [&str; 2]) -> Option<bool> {
    let below = fs::read_dir(mount)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let groups: Vec<PathBuf> = [mount.join(own)]
        .into_iter()
        .filter(|own| own != mount)
        .chain(below)
        .collect();
    let has = |group: &PathBuf| files.iter().any(|file| group.join(file).exists());
    let tells = groups.iter().any(|group| group.join(mark).exists());
    let any = files.iter().any(|file| mount.join(file).exists()) || groups.iter().any(has);
    (any || tells).then_some(any)
}

/// What is said where a weight for one device has no effect.
const NO_WEIGHT_DEVICE: &str =
    "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.";

/// Whether a device's scheduler, from a list like `none [mq-deadline] bfq`, gives groups their weights.
fn schedules_by_weight(schedulers: &str) -> bool {
    schedulers.contains("[bfq]") || schedulers.contains("[cfq]")
}

/// Whether a weight can be given for this device. The start tells what is wrong with one that is none.
fn device_has_weight(path: &str, host: &Host) -> bool {
    let (Layout::V1, Ok((major, minor))) = (host.layout, numbers(path)) else {
        return true;
    };
    let device = Path::new("/sys/dev/block").join(format!("{major}:{minor}"));
    // A partition is scheduled with its disk.
    let schedulers = ["queue/scheduler", "../queue/scheduler"].map(|file| fs::read_to_string(device.join(file)));
    schedulers
        .into_iter()
        .flatten()
        .next()
        .is_some_and(|list| schedules_by_weight(&list))
}

/// Which weights of a configuration the kernel cannot do: the group's, those for devices.
fn vain(config: &HostConfig, host: &Host) -> (bool, bool) {
    if config.blkio_weight == 0 && config.blkio_weight_device.is_empty() {
        return (false, false);
    }
    let weighs = has_weight(host);
    let devices = &config.blkio_weight_device;
    let unweighed = devices.iter().any(|device| !device_has_weight(&device.path, host));
    (
        config.blkio_weight != 0 && !weighs,
        !devices.is_empty() && (!weighs || unweighed),
    )
}

/// What a creation warns of.
pub(crate) fn warnings(config: &HostConfig, host: &Host) -> Vec<String> {
    let (weight, devices) = vain(config, host);
    let texts = [(weight, NO_WEIGHT), (devices, NO_WEIGHT_DEVICE)];
    texts
        .into_iter()
        .filter(|(vain, _)| *vain)
        .map(|(_, text)| text.to_owned())
        .collect()
}

/// Takes away what the kernel cannot do and [`warnings`] told of.
pub(crate) fn discard(config: &mut HostConfig, host: &Host) {
    let (weight, devices) = vain(config, host);
    if weight {
        config.blkio_weight = 0;
    }
    if devices {
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
    fn controllers_of_the_unified_hierarchy_are_in_its_file() {
        let mount = tempfile::tempdir().expect("a directory");
        fs::write(mount.path().join("cgroup.controllers"), "cpuset cpu io memory\n").expect("the controllers");
        let hierarchy = Hierarchy {
            mount: mount.path().to_owned(),
            controllers: Vec::new(),
            unified: true,
            own: PathBuf::new(),
        };
        assert!(has_controller(&hierarchy, "io") && !has_controller(&hierarchy, "blkio"));
    }

    #[test]
    fn weights_are_looked_for_below_the_root_group() {
        let mount = tempfile::tempdir().expect("a directory");
        let look = || weighs(mount.path(), Path::new(""), "io.max", ["io.weight", "io.bfq.weight"]);
        assert_eq!(look(), None);
        let group = mount.path().join("group");
        fs::create_dir(&group).expect("a group");
        assert_eq!(look(), None, "without the controller it tells nothing");
        fs::write(group.join("io.max"), "").expect("the controller");
        assert_eq!(look(), Some(false));
        fs::write(group.join("io.bfq.weight"), "100").expect("its weight");
        assert_eq!(look(), Some(true));
    }

    #[test]
    fn schedulers_with_weights() {
        for (schedulers, expected) in [
            ("none [mq-deadline] kyber bfq ", false),
            ("none mq-deadline [bfq]", true),
            ("noop [cfq]", true),
            ("[none]", false),
        ] {
            assert_eq!(schedules_by_weight(schedulers), expected, "{schedulers}");
        }
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
