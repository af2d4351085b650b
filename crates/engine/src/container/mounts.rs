//! What a container's `-v`, `--mount`, `--tmpfs` and its image's volumes come to: one list of mounts,
//! in Docker's order of precedence (pure; volume names are chosen by the caller's function).

use std::collections::BTreeMap;
use std::path::Path;

use corten_api::container::{HostConfig, Mount, MountPoint};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::volume;

/// One mount of a container, decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountSpec {
    /// What it is.
    pub kind: MountKind,
    /// Host path of a bind; empty otherwise.
    pub source: String,
    /// Name of a volume; empty otherwise.
    pub volume: String,
    /// Nobody gave the volume a name: it goes with the container if asked to.
    pub anonymous: bool,
    /// Absolute path inside the container.
    pub destination: String,
    /// Not writable.
    pub readonly: bool,
    /// The options as given, for `inspect`.
    pub mode: String,
    /// `rprivate`, `rshared`, ...; empty: the default.
    pub propagation: String,
    /// Mounts below a bind's source stay out.
    pub non_recursive: bool,
    /// A bind's source is made if it is missing.
    pub create_source: bool,
    /// A new volume is not filled from the image.
    pub no_copy: bool,
    /// Directory below a volume's root that is mounted.
    pub subpath: String,
    /// Labels of a volume that is made for this.
    pub labels: BTreeMap<String, String>,
    /// Options of the driver for a volume that is made for this.
    pub driver_options: BTreeMap<String, String>,
    /// Read-only leaves mounts below the source writable.
    pub readonly_alone: bool,
    /// Options of a tmpfs, in mount(8)'s form.
    pub options: Vec<String>,
    /// Asked for in the long form, for `inspect`.
    pub long_form: bool,
    /// Another container's, by `--volumes-from`: a creation that fails must not take it along.
    pub inherited: bool,
}

/// The kinds of mounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A path of the host.
    #[default]
    Bind,
    /// A volume.
    Volume,
    /// Memory.
    Tmpfs,
}

/// All mounts of a container. `image_volumes` are the paths the merged configuration declares as volumes;
/// `inherited` are those of other containers (`--volumes-from`), which own ones replace; `new_name` gives an anonymous
/// volume its name.
pub fn resolve(
    host: &HostConfig,
    image_volumes: &[String],
    inherited: Vec<MountSpec>,
    new_name: &mut dyn FnMut() -> String,
) -> Result<Vec<MountSpec>> {
    let mut mounts: Vec<MountSpec> = Vec::new();
    for bind in &host.binds {
        add(&mut mounts, short_form(bind, &host.volume_driver)?)?;
    }
    for mount in &host.mounts {
        add(&mut mounts, long_form(mount)?)?;
    }
    for (destination, options) in &host.tmpfs {
        add(&mut mounts, tmpfs(destination, options)?)?;
    }
    for mount in inherited {
        if !mounts.iter().any(|own| own.destination == mount.destination) {
            mounts.push(mount);
        }
    }
    for destination in image_volumes {
        let destination = clean(destination);
        if !mounts.iter().any(|mount| mount.destination == destination) {
            mounts.push(MountSpec {
                kind: MountKind::Volume,
                destination,
                ..MountSpec::default()
            });
        }
    }
    for mount in &mut mounts {
        if mount.kind == MountKind::Volume && mount.volume.is_empty() {
            mount.volume = new_name();
            mount.anonymous = true;
        }
    }
    mounts.sort_by_key(|mount| mount.destination.split('/').filter(|part| !part.is_empty()).count());
    Ok(mounts)
}

fn add(mounts: &mut Vec<MountSpec>, mount: MountSpec) -> Result<()> {
    if mounts.iter().any(|other| other.destination == mount.destination) {
        return Err(Error::invalid(format!("Duplicate mount point: {}", mount.destination)));
    }
    mounts.push(mount);
    Ok(())
}

/// The mounts of a container as `--volumes-from` with this mode (`ro`, `rw` or nothing) shows them to another.
pub fn inherit(mounts: &[MountSpec], mode: &str) -> Result<Vec<MountSpec>> {
    let mut readonly = false;
    for word in mode.split(',').filter(|word| !word.is_empty()) {
        match word {
            "ro" => readonly = true,
            "rw" | "z" | "Z" | "nocopy" => {}
            _ => return Err(Error::invalid(format!("invalid mode: {mode}"))),
        }
    }
    let shared = mounts.iter().filter(|mount| mount.kind != MountKind::Tmpfs);
    Ok(shared
        .map(|mount| MountSpec {
            readonly: mount.readonly || readonly,
            no_copy: true,
            inherited: true,
            ..mount.clone()
        })
        .collect())
}

/// `source:destination[:mode]` or `destination`.
fn short_form(text: &str, driver: &str) -> Result<MountSpec> {
    // Docker does not class these as the client's fault: 500 (observed: dockerd 28.5).
    let wrong = |why: &str| Error::internal(format!("invalid volume specification: '{text}'{why}"));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, destination, mode) = match parts.as_slice() {
        [destination] if !destination.is_empty() => ("", *destination, ""),
        [source, destination] => (*source, *destination, ""),
        [source, destination, mode] => (*source, *destination, *mode),
        _ => return Err(wrong("")),
    };
    if parts.len() > 1 && (source.is_empty() || destination.is_empty()) {
        return Err(wrong(""));
    }
    if !destination.starts_with('/') {
        let path = format!("invalid mount path: '{destination}' mount path must be absolute");
        return Err(wrong(&format!(
            ": invalid mount config for type \"{}\": {path}",
            kind_word(source)
        )));
    }
    let destination = clean(destination);
    if destination == "/" {
        let kind = kind_word(source);
        return Err(wrong(&format!(
            ": invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'"
        )));
    }
    let mut mount = MountSpec {
        destination,
        mode: mode.to_owned(),
        ..MountSpec::default()
    };
    if source.starts_with('/') {
        mount.source = clean(source);
        mount.create_source = true;
    } else {
        volume::check_driver(driver)?;
        mount.kind = MountKind::Volume;
        if !source.is_empty() {
            volume::check_name(source)?;
            source.clone_into(&mut mount.volume);
        }
    }
    apply_mode(&mut mount, mode)?;
    Ok(mount)
}

fn kind_word(source: &str) -> &'static str {
    if source.starts_with('/') { "bind" } else { "volume" }
}

fn apply_mode(mount: &mut MountSpec, mode: &str) -> Result<()> {
    let bad = || Error::internal(format!("invalid mode: {mode}"));
    for word in mode.split(',').filter(|_| !mode.is_empty()) {
        match word {
            "rw" | "z" | "Z" | "consistent" | "cached" | "delegated" => {}
            "ro" => mount.readonly = true,
            "nocopy" if mount.kind == MountKind::Volume => mount.no_copy = true,
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" if mount.kind == MountKind::Bind => {
                word.clone_into(&mut mount.propagation);
            }
            _ => return Err(bad()),
        }
    }
    Ok(())
}

fn long_form(mount: &Mount) -> Result<MountSpec> {
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
        "volume" => volume_options(mount, &mut spec)?,
        "tmpfs" => tmpfs_options(mount, &mut spec, &wrong)?,
        "image" | "cluster" | "npipe" => {
            return Err(Error::not_implemented(format!(
                "mounts of type \"{}\" are not supported",
                mount.kind
            )));
        }
        _ => {
            return Err(Error::invalid(format!(
                "invalid mount config for type \"{}\": mount type unknown",
                mount.kind
            )));
        }
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
        if options.read_only_force_recursive && !mount.read_only {
            return Err(wrong("mount type ReadOnlyForceRecursive requires ReadOnly to be true"));
        }
        if options.read_only_non_recursive && !mount.read_only {
            return Err(wrong(
                "mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive",
            ));
        }
    }
    Ok(())
}

fn volume_options(mount: &Mount, spec: &mut MountSpec) -> Result<()> {
    spec.kind = MountKind::Volume;
    if !mount.source.is_empty() {
        volume::check_name(&mount.source)?;
        spec.volume.clone_from(&mount.source);
    }
    if let Some(options) = &mount.volume_options {
        spec.no_copy = options.no_copy;
        spec.labels = options.labels.clone().into_entries();
        spec.subpath.clone_from(&options.subpath);
        if let Some(driver) = &options.driver_config {
            volume::check_driver(&driver.name)?;
            spec.driver_options = driver.options.clone().into_entries();
        }
    }
    Ok(())
}

fn tmpfs_options(mount: &Mount, spec: &mut MountSpec, wrong: &dyn Fn(&str) -> Error) -> Result<()> {
    spec.kind = MountKind::Tmpfs;
    if !mount.source.is_empty() {
        return Err(wrong("field Source must not be specified"));
    }
    spec.options = TMPFS_DEFAULTS.iter().map(|word| (*word).to_owned()).collect();
    if let Some(options) = &mount.tmpfs_options {
        if options.size_bytes < 0 {
            return Err(wrong("size must be a positive number"));
        }
        if options.size_bytes > 0 {
            spec.options.push(format!("size={}", options.size_bytes));
        }
        if options.mode > 0 {
            spec.options.push(format!("mode={:o}", options.mode));
        }
        for words in &options.options {
            spec.options.push(words.join("="));
        }
    }
    Ok(())
}

const TMPFS_DEFAULTS: [&str; 3] = ["noexec", "nosuid", "nodev"];

fn tmpfs(destination: &str, options: &str) -> Result<MountSpec> {
    if !destination.starts_with('/') {
        let path = format!("invalid mount path: '{destination}' mount path must be absolute");
        return Err(Error::invalid(format!(
            "invalid mount config for type \"tmpfs\": {path}"
        )));
    }
    let destination = clean(destination);
    if destination == "/" {
        return Err(Error::invalid(
            "invalid mount config for type \"tmpfs\": invalid specification: destination can't be '/'",
        ));
    }
    let mut words: Vec<String> = TMPFS_DEFAULTS.iter().map(|word| (*word).to_owned()).collect();
    for word in options.split(',').filter(|word| !word.is_empty()) {
        // What the user says replaces the default that it contradicts.
        let opposite = word
            .strip_prefix("no")
            .map_or_else(|| format!("no{word}"), str::to_owned);
        words.retain(|other| *other != opposite && *other != word);
        words.push(word.to_owned());
    }
    Ok(MountSpec {
        kind: MountKind::Tmpfs,
        destination,
        readonly: words.iter().any(|word| word == "ro"),
        mode: options.to_owned(),
        options: words,
        ..MountSpec::default()
    })
}

/// A path without `.`, `..` and double slashes, as text alone.
#[must_use]
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

impl MountSpec {
    /// What `inspect` and `ps` show; `None` for the short form of a tmpfs, which they leave out.
    #[must_use]
    pub fn point(&self, volume_path: &Path) -> Option<MountPoint> {
        let mut point = MountPoint {
            destination: self.destination.clone(),
            rw: !self.readonly,
            mode: self.mode.clone(),
            ..MountPoint::default()
        };
        match self.kind {
            MountKind::Bind => {
                "bind".clone_into(&mut point.kind);
                point.source.clone_from(&self.source);
                point.propagation = if self.propagation.is_empty() {
                    "rprivate".to_owned()
                } else {
                    self.propagation.clone()
                };
            }
            MountKind::Volume => {
                "volume".clone_into(&mut point.kind);
                point.name.clone_from(&self.volume);
                "local".clone_into(&mut point.driver);
                point.source = volume_path.display().to_string();
                if self.mode.is_empty() && !self.anonymous {
                    "z".clone_into(&mut point.mode);
                }
            }
            MountKind::Tmpfs if self.long_form => "tmpfs".clone_into(&mut point.kind),
            MountKind::Tmpfs => return None,
        }
        Some(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::List;

    fn binds(list: &[&str]) -> Result<Vec<MountSpec>> {
        let host = HostConfig {
            binds: List::from(list.iter().map(|bind| (*bind).to_owned()).collect::<Vec<_>>()),
            ..HostConfig::default()
        };
        resolve(&host, &["/data".to_owned()], Vec::new(), &mut || "fresh".to_owned())
    }

    #[test]
    fn short_forms() {
        let mounts = binds(&["/a//b/:/c/d/:ro,rshared", "named:/e", "/data"]).unwrap();
        let data = mounts.iter().find(|mount| mount.destination == "/data").unwrap();
        assert_eq!((data.volume.as_str(), data.anonymous), ("fresh", true));
        let bind = mounts.iter().find(|mount| mount.destination == "/c/d").unwrap();
        assert_eq!(
            (bind.source.as_str(), bind.readonly, bind.propagation.as_str()),
            ("/a/b", true, "rshared")
        );
        let named = mounts.iter().find(|mount| mount.destination == "/e").unwrap();
        assert_eq!(
            (named.kind, named.volume.as_str(), named.anonymous),
            (MountKind::Volume, "named", false)
        );
    }

    #[test]
    fn an_image_volume_gives_way_to_a_mount() {
        let mounts = binds(&["/host:/data"]).unwrap();
        assert_eq!(mounts.len(), 1);
        assert_eq!(mounts[0].kind, MountKind::Bind);
    }

    #[test]
    fn refusals() {
        let table = [
            ("/a:/b:xx", "invalid mode: xx"),
            (":", "invalid volume specification: ':'"),
            ("a:b:c:d", "invalid volume specification: 'a:b:c:d'"),
            (
                "/a:b",
                "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute",
            ),
            (
                "/a:/",
                "invalid volume specification: '/a:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
            ),
        ];
        for (bind, expected) in table {
            assert_eq!(binds(&[bind]).unwrap_err().message, expected);
        }
        assert_eq!(
            binds(&["/a:/b", "/c:/b"]).unwrap_err().message,
            "Duplicate mount point: /b"
        );
        assert!(
            binds(&["a%:/b"])
                .unwrap_err()
                .message
                .contains("includes invalid characters for a local volume name")
        );
    }

    #[test]
    fn tmpfs_words_replace_defaults() {
        assert_eq!(
            tmpfs("/t", "exec,size=1m").unwrap().options,
            ["nosuid", "nodev", "exec", "size=1m"]
        );
        assert_eq!(tmpfs("/t", "").unwrap().options, TMPFS_DEFAULTS);
    }
}
