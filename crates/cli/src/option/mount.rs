//! `--mount type=bind,source=..,target=..,...`.

use corten_api::Map;
use corten_api::container::{BindOptions, DriverConfig, ImageOptions, Mount, TmpfsOptions, VolumeOptions};

use super::field::{self, FieldError};
use super::volume::clean;
use crate::flag::parse_bool;
use corten_base::size;

/// The text is no mount; Docker's texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MountError {
    #[error("{0}")]
    Fields(#[from] FieldError),
    #[error("invalid field '{0}' must be a key=value pair")]
    Pair(String),
    #[error("invalid value for {key}: {value}")]
    Value { key: String, value: String },
    #[error("invalid value for {key}: {value} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")")]
    Recursive { key: String, value: String },
    #[error("unexpected key '{key}' in '{field}'")]
    Key { key: String, field: String },
    #[error("type is required")]
    NoType,
    #[error("target is required")]
    NoTarget,
    #[error("cannot mix '{family}-*' options with mount type '{kind}'")]
    Mixed { family: &'static str, kind: String },
    #[error("option 'bind-recursive={0}' requires 'readonly' to be specified in conjunction")]
    NeedsReadOnly(&'static str),
    #[error("option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction")]
    NeedsPrivate,
}

/// Reads one mount; a source that begins with a dot is made absolute.
pub(crate) fn parse(text: &str) -> Result<Mount, MountError> {
    let mut mount = Mount {
        kind: "volume".to_owned(),
        ..Mount::default()
    };
    for field in field::split(text)? {
        match field.split_once('=') {
            None => set_bare(&mut mount, &field)?,
            Some((key, value)) => set(&mut mount, &key.to_lowercase(), value, &field)?,
        }
    }
    check(&mount)?;
    Ok(mount)
}

fn set_bare(mount: &mut Mount, field: &str) -> Result<(), MountError> {
    match field.to_lowercase().as_str() {
        "readonly" | "ro" => mount.read_only = true,
        "volume-nocopy" => volume(mount).no_copy = true,
        "bind-nonrecursive" => bind(mount).non_recursive = true,
        _ => return Err(MountError::Pair(field.to_owned())),
    }
    Ok(())
}

fn set(mount: &mut Mount, key: &str, value: &str, field: &str) -> Result<(), MountError> {
    let flag = || {
        parse_bool(value).map_err(|_| MountError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    };
    match key {
        "type" => mount.kind = value.to_lowercase(),
        "source" | "src" => mount.source = absolute(value),
        "target" | "dst" | "destination" => mount.target = value.to_owned(),
        "readonly" | "ro" => mount.read_only = flag()?,
        "consistency" => mount.consistency = value.to_lowercase(),
        "bind-propagation" => bind(mount).propagation = value.to_lowercase(),
        "bind-nonrecursive" => bind(mount).non_recursive = flag()?,
        "bind-recursive" => set_recursive(mount, key, value)?,
        "volume-subpath" => volume(mount).subpath = value.to_owned(),
        "volume-nocopy" => volume(mount).no_copy = flag()?,
        "volume-label" => add(&mut volume(mount).labels, value),
        "volume-driver" => driver(mount).name = value.to_owned(),
        "volume-opt" => add(&mut driver(mount).options, value),
        "image-subpath" => {
            mount.image_options.get_or_insert_with(ImageOptions::default).subpath = value.to_owned();
        }
        "tmpfs-size" => {
            tmpfs(mount).size_bytes = size::parse_binary(value)
                .ok()
                .and_then(|bytes| i64::try_from(bytes).ok())
                .ok_or_else(|| MountError::Value {
                    key: key.to_owned(),
                    value: value.to_owned(),
                })?;
        }
        "tmpfs-mode" => {
            tmpfs(mount).mode = u32::from_str_radix(value, 8).map_err(|_| MountError::Value {
                key: key.to_owned(),
                value: value.to_owned(),
            })?;
        }
        _ => {
            return Err(MountError::Key {
                key: key.to_owned(),
                field: field.to_owned(),
            });
        }
    }
    Ok(())
}

fn set_recursive(mount: &mut Mount, key: &str, value: &str) -> Result<(), MountError> {
    match value {
        "enabled" => {}
        "disabled" => bind(mount).non_recursive = true,
        "writable" => bind(mount).read_only_non_recursive = true,
        "readonly" => bind(mount).read_only_force_recursive = true,
        _ => {
            return Err(MountError::Recursive {
                key: key.to_owned(),
                value: value.to_owned(),
            });
        }
    }
    Ok(())
}

fn check(mount: &Mount) -> Result<(), MountError> {
    if mount.kind.is_empty() {
        return Err(MountError::NoType);
    }
    if mount.target.is_empty() {
        return Err(MountError::NoTarget);
    }
    let families = [
        ("volume", mount.volume_options.is_some()),
        ("bind", mount.bind_options.is_some()),
        ("image", mount.image_options.is_some()),
        ("tmpfs", mount.tmpfs_options.is_some()),
    ];
    for (family, present) in families {
        if present && mount.kind != family {
            return Err(MountError::Mixed {
                family,
                kind: mount.kind.clone(),
            });
        }
    }
    let Some(bind) = &mount.bind_options else { return Ok(()) };
    if bind.read_only_non_recursive && !mount.read_only {
        return Err(MountError::NeedsReadOnly("writable"));
    }
    if bind.read_only_force_recursive && !mount.read_only {
        return Err(MountError::NeedsReadOnly("readonly"));
    }
    if bind.read_only_force_recursive && bind.propagation != "rprivate" {
        return Err(MountError::NeedsPrivate);
    }
    Ok(())
}

fn absolute(source: &str) -> String {
    match std::env::current_dir() {
        Ok(directory) if source == "." || source.starts_with("./") => clean(&directory.join(source)),
        Ok(_) | Err(_) => source.to_owned(),
    }
}

fn bind(mount: &mut Mount) -> &mut BindOptions {
    mount.bind_options.get_or_insert_with(BindOptions::default)
}

fn volume(mount: &mut Mount) -> &mut VolumeOptions {
    mount.volume_options.get_or_insert_with(VolumeOptions::default)
}

fn driver(mount: &mut Mount) -> &mut DriverConfig {
    volume(mount).driver_config.get_or_insert_with(DriverConfig::default)
}

fn tmpfs(mount: &mut Mount) -> &mut TmpfsOptions {
    mount.tmpfs_options.get_or_insert_with(TmpfsOptions::default)
}

fn add(map: &mut Map<String>, pair: &str) {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    map.insert(key.to_owned(), value.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let mount = parse("type=bind,src=/a,dst=/b,ro,bind-propagation=rshared").unwrap();
        assert_eq!(
            (mount.kind.as_str(), mount.source.as_str(), mount.target.as_str()),
            ("bind", "/a", "/b")
        );
        assert!(mount.read_only);
        assert_eq!(mount.bind_options.unwrap().propagation, "rshared");
        let mount = parse("target=/b,volume-nocopy").unwrap();
        assert_eq!(mount.kind, "volume");
        assert!(mount.volume_options.unwrap().no_copy);
        let mount = parse("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770").unwrap();
        let tmpfs = mount.tmpfs_options.unwrap();
        assert_eq!((tmpfs.size_bytes, tmpfs.mode), (1 << 20, 0o1770));
    }

    #[test]
    fn errors_are_dockers() {
        for (text, expected) in [
            ("type=bind,x", "invalid field 'x' must be a key=value pair"),
            ("type=bind,x=1", "unexpected key 'x' in 'x=1'"),
            ("type=bind,src=/a", "target is required"),
            ("type=,dst=/a", "type is required"),
            (
                "type=bind,dst=/a,volume-nocopy",
                "cannot mix 'volume-*' options with mount type 'bind'",
            ),
            ("dst=/a,ro=x", "invalid value for ro: x"),
            ("", "EOF"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
