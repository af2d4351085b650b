//! Device nodes and links below `/dev`.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxDevice, LinuxDeviceType, Spec};

use super::PlanError;
use crate::plan::{Device, DeviceKind, Link};

/// Whether `/dev` is the container's own; a host's that is bound there has its nodes already.
pub(super) fn has_own_dev(spec: &Spec) -> bool {
    let bound = |mount: &oci_spec::runtime::Mount| {
        let options = mount.options().as_deref().unwrap_or_default();
        let bind = mount.typ().as_deref() == Some("bind") || options.iter().any(|o| o == "bind" || o == "rbind");
        bind && mount.destination() == Path::new("/dev")
    };
    !spec.mounts().iter().flatten().any(bound)
}

/// The specification's devices and, in a `/dev` of the container's own, those that every container has
/// (runtime-spec config-linux.md#default-devices).
pub(super) fn compile(linux: &Linux, own_dev: bool) -> Result<Vec<Device>, PlanError> {
    const DEFAULTS: [(&str, u32, u32); 6] = [
        ("/dev/null", 1, 3),
        ("/dev/zero", 1, 5),
        ("/dev/full", 1, 7),
        ("/dev/random", 1, 8),
        ("/dev/urandom", 1, 9),
        ("/dev/tty", 5, 0),
    ];
    let mut devices = linux
        .devices()
        .iter()
        .flatten()
        .map(device)
        .collect::<Result<Vec<_>, _>>()?;
    if !own_dev {
        devices.clear();
        return Ok(devices);
    }
    for (path, major, minor) in DEFAULTS {
        if !devices.iter().any(|device| device.path == Path::new(path)) {
            let path = PathBuf::from(path);
            devices.push(Device {
                path,
                kind: DeviceKind::Character,
                major,
                minor,
                mode: 0o666,
                uid: 0,
                gid: 0,
                host_path: None,
            });
        }
    }
    Ok(devices)
}

fn device(device: &LinuxDevice) -> Result<Device, PlanError> {
    if !device.path().is_absolute() {
        return PlanError::invalid(format!("device path {} is not absolute", device.path().display()));
    }
    let kind = match device.typ() {
        LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
        LinuxDeviceType::B => DeviceKind::Block,
        LinuxDeviceType::P => DeviceKind::Fifo,
        LinuxDeviceType::A => return PlanError::invalid(format!("device {} has no type", device.path().display())),
    };
    let number = |number: i64| u32::try_from(number).or_else(|_| PlanError::invalid("device number out of range"));
    Ok(Device {
        path: device.path().clone(),
        kind,
        major: number(device.major())?,
        minor: number(device.minor())?,
        mode: device.file_mode().unwrap_or(0o666) & 0o7777,
        uid: device.uid().unwrap_or(0),
        gid: device.gid().unwrap_or(0),
        host_path: None,
    })
}

/// Links that every `/dev` has.
pub(super) fn links(own_dev: bool) -> Vec<Link> {
    const LINKS: [(&str, &str); 6] = [
        ("/dev/ptmx", "pts/ptmx"),
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
        ("/dev/core", "/proc/kcore"),
    ];
    if !own_dev {
        return Vec::new();
    }
    LINKS
        .iter()
        .map(|(path, target)| Link {
            path: path.into(),
            target: target.into(),
        })
        .collect()
}
