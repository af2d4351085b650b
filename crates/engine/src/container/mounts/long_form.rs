//! `--mount` and the API's `Mounts` (pure).

use corten_api::container::Mount;

use super::{MountKind, MountSpec, clean, is_local, tmpfs};
use crate::error::{Error, Result};
use crate::volume;

pub(super) fn long_form(mount: &Mount) -> Result<MountSpec> {
    refuse_foreign_options(mount)?;
    let wrong = |why: &str| Error::invalid(format!("invalid mount config for type \"{}\": {why}", mount.kind));
    if mount.target.is_empty() {
        return Err(wrong("field Target must not be empty"));
    }
    if !mount.target.starts_with('/') {
        let target = &mount.target;
        return Err(wrong(&format!(
            "invalid mount path: '{target}' mount path must be absolute"
        )));
    }
    let destination = clean(&mount.target);
    if destination == "/" {
        return Err(wrong("invalid specification: destination can't be '/'"));
    }
    let mut spec = MountSpec {
        destination,
        readonly: mount.read_only,
        long_form: true,
        ..MountSpec::default()
    };
    match mount.kind.as_str() {
        "bind" => bind_options(mount, &mut spec, &wrong)?,
        "volume" => volume_options(mount, &mut spec, &wrong)?,
        "tmpfs" => tmpfs::options(mount, &mut spec, &wrong)?,
        "image" => image_options(mount, &mut spec, &wrong)?,
        _ => return Err(wrong("mount type unknown")),
    }
    Ok(spec)
}

fn bind_options(mount: &Mount, spec: &mut MountSpec, wrong: &dyn Fn(&str) -> Error) -> Result<()> {
    if mount.source.is_empty() {
        return Err(wrong("field Source must not be empty"));
    }
    if !mount.source.starts_with('/') {
        return Err(wrong(&format!(
            "invalid mount path: '{}' mount path must be absolute",
            mount.source
        )));
    }
    spec.source = clean(&mount.source);
    if let Some(options) = &mount.bind_options {
        match options.propagation.as_str() {
            "" | "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {}
            other => return Err(wrong(&format!("invalid propagation mode: {other}"))),
        }
        spec.propagation.clone_from(&options.propagation);
        spec.non_recursive = options.non_recursive;
        spec.create_source = options.create_mountpoint;
        spec.readonly_alone = options.read_only_non_recursive;
        spec.readonly_forced = options.read_only_force_recursive;
    }
    Ok(())
}

fn volume_options(mount: &Mount, spec: &mut MountSpec, wrong: &dyn Fn(&str) -> Error) -> Result<()> {
    spec.kind = MountKind::Volume;
    if !mount.source.is_empty() {
        volume::check_name(&mount.source)?;
        spec.volume.clone_from(&mount.source);
    }
    if let Some(options) = &mount.volume_options {
        spec.no_copy = options.no_copy;
        spec.labels = options.labels.clone().into_entries();
        if !options.subpath.is_empty() {
            if mount.source.is_empty() {
                return Err(wrong("must not set Subpath when using anonymous volumes"));
            }
            spec.subpath = local(&options.subpath, wrong)?;
        }
        if let Some(driver) = &options.driver_config {
            volume::check_driver(&driver.name)?;
            spec.driver_options = driver.options.clone().into_entries();
        }
    }
    Ok(())
}

fn image_options(mount: &Mount, spec: &mut MountSpec, wrong: &dyn Fn(&str) -> Error) -> Result<()> {
    if mount.source.is_empty() {
        return Err(wrong("field Source must not be empty"));
    }
    spec.kind = MountKind::Image;
    spec.readonly = true;
    spec.source.clone_from(&mount.source);
    if let Some(options) = &mount.image_options {
        spec.subpath = local(&options.subpath, wrong)?;
    }
    Ok(())
}

fn local(subpath: &str, wrong: &dyn Fn(&str) -> Error) -> Result<String> {
    if is_local(subpath) {
        return Ok(subpath.to_owned());
    }
    Err(wrong("subpath must be a relative path within the volume"))
}

/// Options of another kind of mount.
fn refuse_foreign_options(mount: &Mount) -> Result<()> {
    let given = [
        ("bind", "BindOptions", mount.bind_options.is_some()),
        ("volume", "VolumeOptions", mount.volume_options.is_some()),
        ("image", "ImageOptions", mount.image_options.is_some()),
        ("tmpfs", "TmpfsOptions", mount.tmpfs_options.is_some()),
        ("cluster", "ClusterOptions", mount.cluster_options.is_some()),
    ];
    match given.iter().find(|(kind, _, given)| *given && mount.kind != *kind) {
        Some((_, field, _)) => Err(Error::invalid(format!(
            "{field} must not be specified on mount type \"{}\"",
            mount.kind
        ))),
        None => Ok(()),
    }
}
