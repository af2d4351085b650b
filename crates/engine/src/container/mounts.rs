//! What a container's `-v`, `--mount`, `--tmpfs` and its image's volumes come to: one list of mounts,
//! in Docker's order of precedence (pure; volume names are chosen by the caller's function).

mod long_form;
mod short_form;
pub(crate) mod tmpfs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use corten_api::container::{HostConfig, MountPoint};
use corten_base::ContainerId;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use long_form::long_form;
use short_form::short_form;

/// One mount of a container, decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountSpec {
    /// What it is.
    pub kind: MountKind,
    /// Host path of a bind, or the image as it was named; empty otherwise.
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
    /// Where mounts below the source cannot be made read-only the start fails.
    pub readonly_forced: bool,
    /// Identities of the source's files are shown as those of the container (`idmap`).
    pub mapped: bool,
    /// The image that is mounted; empty otherwise.
    pub image: String,
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
    /// The files of an image, read-only.
    Image,
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
        add(&mut mounts, tmpfs::short_form(destination, options)?)?;
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

/// A bind that shows the engine's own directory, or what is in it, must not keep the mounts there: it follows the host
/// unless the user says otherwise, and what it may say is little (observed: dockerd 28.5; texts compared, not resolved).
pub fn follow_data_root(mounts: &mut [MountSpec], root: &str) -> Result<()> {
    let shows = |mount: &&mut MountSpec| {
        mount.kind == MountKind::Bind && (mount.source.starts_with(root) || root.starts_with(&mount.source))
    };
    for mount in mounts.iter_mut().filter(|mount| !mount.inherited).filter(shows) {
        match mount.propagation.as_str() {
            "" => "rslave".clone_into(&mut mount.propagation),
            "rslave" | "rshared" => {}
            other => {
                return Err(Error::invalid(format!(
                    "invalid mount config: must use either propagation mode \"rslave\" or \"rshared\" when mount source is within the daemon root, daemon root: {root:?}, bind mount source: {:?}, propagation: {other:?}",
                    mount.source
                )));
            }
        }
    }
    Ok(())
}

/// Whether a path stays below where it starts, by its text alone (Go's `filepath.IsLocal`).
fn is_local(path: &str) -> bool {
    let mut depth = 0u32;
    let stays = path.split('/').all(|part| match part {
        "" | "." => true,
        ".." => depth.checked_sub(1).map(|less| depth = less).is_some(),
        _ => {
            depth += 1;
            true
        }
    });
    stays && !path.starts_with('/')
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
            mode: String::new(),
            ..mount.clone()
        })
        .collect())
}

/// The images that are mounted, each with the number of its snapshot ([`image_snapshot`]).
pub(crate) fn images(mounts: &[MountSpec]) -> impl Iterator<Item = (usize, &MountSpec)> {
    mounts.iter().filter(|mount| mount.kind == MountKind::Image).enumerate()
}

/// Digits of a container's id that the snapshots of its image mounts share with it.
const SHARED_DIGITS: usize = 60;

/// The snapshot that holds the layers of a container's `index`th image mount: an id beside the container's own.
pub(crate) fn image_snapshot(container: &ContainerId, index: usize) -> Option<ContainerId> {
    let (shared, own) = container.as_str().split_at_checked(SHARED_DIGITS)?;
    let own = u16::from_str_radix(own, 16).ok()?;
    let number = own.wrapping_add(u16::try_from(index + 1).ok().filter(|number| *number != 0)?);
    format!("{shared}{number:04x}").parse().ok()
}

/// Whether a snapshot is, or holds an image mount of, one of these containers.
pub(crate) fn is_of(snapshot: &str, containers: &BTreeSet<String>) -> bool {
    let shared = snapshot.get(..SHARED_DIGITS).unwrap_or(snapshot);
    let mut from = containers.range(shared.to_owned()..);
    from.next().is_some_and(|next| next.starts_with(shared))
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
    /// Refuses what a container may be created, but not started with (observed: dockerd 28.5).
    pub(crate) fn check_at_start(&self) -> Result<()> {
        let conflict = |what: &str| Err(Error::internal(format!("mount options conflict: {what}")));
        match (self.readonly, self.readonly_alone, self.readonly_forced) {
            (_, true, true) => return conflict("ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive"),
            (false, true, _) => return conflict("!ReadOnly && BindOptions.ReadOnlyNonRecursive"),
            (false, _, true) => return conflict("!ReadOnly && BindOptions.ReadOnlyForceRecursive"),
            (true, ..) | (false, false, false) => {}
        }
        if self.kind == MountKind::Tmpfs {
            tmpfs::check(&self.options)?;
        }
        Ok(())
    }

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
                if self.mode.is_empty() && !self.inherited && (!self.anonymous || self.long_form) {
                    "z".clone_into(&mut point.mode);
                }
            }
            MountKind::Image => {
                "image".clone_into(&mut point.kind);
                point.name.clone_from(&self.source);
                point.source = volume_path.display().to_string();
                "rprivate".clone_into(&mut point.propagation);
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
    fn snapshots_of_image_mounts_are_beside_the_containers() {
        let id: ContainerId = "ab".repeat(32).parse().unwrap();
        let (first, second) = (image_snapshot(&id, 0).unwrap(), image_snapshot(&id, 1).unwrap());
        assert!(first != id && second != id && first != second);
        let known = BTreeSet::from([id.to_string()]);
        let of = |snapshot: &str| is_of(snapshot, &known);
        assert!(of(first.as_str()) && of(id.as_str()));
        assert!(!of(&"ac".repeat(32)) && !of(&"aa".repeat(32)));
    }

    #[test]
    fn binds_of_the_data_root_follow_the_host() {
        for (source, given, becomes) in [
            ("/", "", Some("rslave")),
            ("/var/lib", "", Some("rslave")),
            ("/var/lib/corten", "rshared", Some("rshared")),
            ("/var/lib/corten/volumes", "rslave", Some("rslave")),
            ("/srv", "", Some("")),
            ("/srv", "private", Some("private")),
            ("/var", "private", None),
            ("/var", "slave", None),
        ] {
            let mut mounts = [MountSpec {
                source: source.to_owned(),
                propagation: given.to_owned(),
                ..MountSpec::default()
            }];
            let followed = follow_data_root(&mut mounts, "/var/lib/corten");
            assert_eq!(
                followed.ok().map(|()| &*mounts[0].propagation),
                becomes,
                "{source} {given}"
            );
        }
    }

    #[test]
    fn paths_that_stay_below() {
        for (path, stays) in [
            ("a/b", true),
            ("a/../b", true),
            (".", true),
            ("..", false),
            ("a/../../b", false),
            ("/a", false),
        ] {
            assert_eq!(is_local(path), stays, "{path}");
        }
    }

    #[test]
    fn starts_are_refused() {
        let check = |readonly, readonly_alone, readonly_forced| {
            let spec = MountSpec {
                readonly,
                readonly_alone,
                readonly_forced,
                ..MountSpec::default()
            };
            spec.check_at_start().map_err(|error| error.message)
        };
        assert_eq!(check(true, true, false), Ok(()));
        assert_eq!(check(true, false, true), Ok(()));
        let refused = |what: &str| Err(format!("mount options conflict: {what}"));
        assert_eq!(
            check(false, true, false),
            refused("!ReadOnly && BindOptions.ReadOnlyNonRecursive")
        );
        assert_eq!(
            check(false, false, true),
            refused("!ReadOnly && BindOptions.ReadOnlyForceRecursive")
        );
        let both = "ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive";
        assert_eq!(check(true, true, true), refused(both));
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
            ("a:/b:/c", "invalid mode: /c"),
            ("/a:/b:ro,rw", "invalid mode: ro,rw"),
            ("/a:/b:z,Z", "invalid mode: z,Z"),
            ("v1:/b:nocopy,nocopy", "invalid mode: nocopy,nocopy"),
            (
                "/a:/b:nocopy",
                "invalid volume specification: '/a:/b:nocopy': invalid mount config for type \"bind\": field VolumeOptions must not be specified",
            ),
            (
                "v1:/b:rshared",
                "invalid volume specification: 'v1:/b:rshared': invalid mount config for type \"volume\": field BindOptions must not be specified",
            ),
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
}
