//! Mounts: fstab-style options as attributes, propagation and parameters (runtime-spec config.md#mounts).

use std::path::{Path, PathBuf};

use corten_sys::mount as attr;
use oci_spec::runtime::{Linux, Spec};

use super::namespace::mappings;
use super::{PlanError, below};
use crate::host::Host;
use crate::plan::{
    Attributes, Cgroup, Identities, Layout, Link, Mount, MountSource, Namespaces, Parameter, Propagation,
};

mod control_groups;

/// Mounts with the links that go with them.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) mounts: Vec<Mount>,
    pub(super) links: Vec<Link>,
}

/// All mounts of `spec` in its order.
pub(super) fn compile(
    spec: &Spec,
    host: &Host,
    namespaces: &Namespaces,
    cgroup: &Cgroup,
    bundle: &Path,
) -> Result<Compiled, PlanError> {
    let mut compiled = Compiled::default();
    for mount in spec.mounts().iter().flatten() {
        let options = Options::parse(mount.options().as_deref().unwrap_or_default())?;
        let destination = destination(mount.destination())?;
        match mount.typ().as_deref().unwrap_or_default() {
            _ if options.bind.is_some() => compiled.mounts.push(bind(mount, options, destination, bundle)?),
            "bind" => compiled.mounts.push(bind(mount, options, destination, bundle)?),
            "cgroup" | "cgroup2" if host.layout == Layout::V1 => {
                let own = namespaces.cgroup.is_private();
                control_groups::hierarchies(
                    &options,
                    &destination,
                    &control_groups::Shown { host, cgroup, own },
                    &mut compiled,
                );
            }
            "cgroup" => compiled.mounts.push(filesystem("cgroup2", mount, options, destination)),
            OF_PROCESS => compiled.mounts.push(of_process(mount, options, destination)),
            LAYERS => compiled.mounts.push(layers(options, destination)),
            "" => return PlanError::invalid(format!("mount {} has no type", destination.display())),
            kind => compiled.mounts.push(filesystem(kind, mount, options, destination)),
        }
    }
    Ok(compiled)
}

fn destination(path: &Path) -> Result<PathBuf, PlanError> {
    let path = Path::new("/").join(path);
    if path == Path::new("/") {
        return PlanError::invalid("mount destination must not be the root");
    }
    Ok(path)
}

fn bind(
    mount: &oci_spec::runtime::Mount,
    options: Options,
    destination: PathBuf,
    bundle: &Path,
) -> Result<Mount, PlanError> {
    let Some(source) = mount.source() else {
        return PlanError::invalid(format!("bind mount {} has no source", destination.display()));
    };
    // Parameters of a filesystem (`mode=`) mean nothing to a bind mount; the kernel ignores them too.
    let recursive = options.bind == Some(Bind::Recursive);
    let identities = identities(mount, options.identities)?;
    Ok(Mount {
        destination,
        source: MountSource::Bind {
            path: below(bundle, source),
            below: options.below,
            recursive,
        },
        attributes: options.attributes,
        propagation: options.propagation,
        readonly_late: false,
        identities,
    })
}

/// runtime-spec config.md#posix-platform-mounts: mappings without an option map the mount alone, the option without
/// mappings takes those of the container's user namespace.
fn identities(mount: &oci_spec::runtime::Mount, option: Option<bool>) -> Result<Option<Identities>, PlanError> {
    let (uids, gids) = (mount.uid_mappings().as_deref(), mount.gid_mappings().as_deref());
    if uids.is_some() != gids.is_some() {
        return PlanError::invalid("a mount needs mappings of both users and groups, or of none");
    }
    if option.is_none() && uids.is_none() {
        return Ok(None);
    }
    Ok(Some(Identities {
        uid_mappings: mappings(uids),
        gid_mappings: mappings(gids),
        recursive: option.unwrap_or(false),
    }))
}

fn of_process(mount: &oci_spec::runtime::Mount, options: Options, destination: PathBuf) -> Mount {
    let path = Path::new("/").join(options.below.unwrap_or_default());
    Mount {
        destination,
        source: MountSource::OfProcess {
            process: mount.source().clone().unwrap_or_default(),
            path,
        },
        attributes: options.attributes,
        propagation: options.propagation,
        readonly_late: false,
        identities: None,
    }
}

fn layers(options: Options, destination: PathBuf) -> Mount {
    Mount {
        destination,
        source: MountSource::Layers {
            lower: options.layers,
            below: options.below,
        },
        attributes: options.attributes,
        propagation: options.propagation,
        readonly_late: false,
        identities: None,
    }
}

fn filesystem(kind: &str, mount: &oci_spec::runtime::Mount, options: Options, destination: PathBuf) -> Mount {
    let source = mount
        .source()
        .as_ref()
        .map(|source| source.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut attributes = options.attributes;
    // Others are mounted below it, links made in it.
    let late = destination == Path::new("/dev") && attributes.set & attr::ATTR_RDONLY != 0;
    if late {
        attributes.set &= !attr::ATTR_RDONLY;
    }
    Mount {
        destination,
        source: MountSource::Filesystem {
            kind: kind.to_owned(),
            source,
            parameters: options.parameters,
        },
        attributes,
        propagation: options.propagation,
        readonly_late: late,
        identities: None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bind {
    One,
    Recursive,
}

/// Options of one mount, sorted by what they mean.
#[derive(Debug, Clone, Default)]
struct Options {
    bind: Option<Bind>,
    attributes: Attributes,
    propagation: Vec<Propagation>,
    parameters: Vec<Parameter>,
    below: Option<PathBuf>,
    layers: Vec<PathBuf>,
    /// Mapped; true: with mounts below.
    identities: Option<bool>,
}

/// Options of single mounts: name, bits set, bits cleared. With an `r` before the name they hold for
/// everything below too.
const ATTRIBUTES: [(&str, u64, u64); 18] = [
    ("ro", attr::ATTR_RDONLY, 0),
    ("rw", 0, attr::ATTR_RDONLY),
    ("nosuid", attr::ATTR_NOSUID, 0),
    ("suid", 0, attr::ATTR_NOSUID),
    ("nodev", attr::ATTR_NODEV, 0),
    ("dev", 0, attr::ATTR_NODEV),
    ("noexec", attr::ATTR_NOEXEC, 0),
    ("exec", 0, attr::ATTR_NOEXEC),
    ("noatime", attr::ATTR_NOATIME, attr::ATTR_ATIME),
    ("atime", 0, attr::ATTR_ATIME),
    ("relatime", 0, attr::ATTR_ATIME),
    ("norelatime", attr::ATTR_STRICTATIME, attr::ATTR_ATIME),
    ("strictatime", attr::ATTR_STRICTATIME, attr::ATTR_ATIME),
    ("nostrictatime", 0, attr::ATTR_ATIME),
    ("nodiratime", attr::ATTR_NODIRATIME, 0),
    ("diratime", 0, attr::ATTR_NODIRATIME),
    ("nosymfollow", attr::ATTR_NOSYMFOLLOW, 0),
    ("symfollow", 0, attr::ATTR_NOSYMFOLLOW),
];

/// An option of our own: the path below the source that is shown.
pub const BELOW: &str = "x-corten.below=";

/// A type of mount of our own: what a process, given by its directory in `/proc`, sees at [`BELOW`].
pub const OF_PROCESS: &str = "x-corten.of-process";

/// A type of mount of our own: the merged files of layers, read-only.
pub const LAYERS: &str = "x-corten.layers";

/// The option that names a layer of it, topmost first.
pub const LAYER: &str = "x-corten.layer=";

/// Options without effect here.
const IGNORED: [&str; 8] = [
    "defaults",
    "async",
    "loud",
    "silent",
    "nomand",
    "nolazytime",
    "noiversion",
    "acl",
];

/// Options that need what is not built.
const REFUSED: [&str; 2] = ["tmpcopyup", "remount"];

impl Options {
    fn parse(options: &[String]) -> Result<Self, PlanError> {
        let mut parsed = Self::default();
        for option in options {
            parsed.add(option)?;
        }
        Ok(parsed)
    }

    fn add(&mut self, option: &str) -> Result<(), PlanError> {
        let find = |name: &str| ATTRIBUTES.iter().find(|(known, _, _)| *known == name);
        if let Some(&(_, set, clear)) = find(option) {
            self.attributes.set = self.attributes.set & !clear | set;
            self.attributes.clear = self.attributes.clear & !set | clear;
        } else if let Some(&(_, set, clear)) = option.strip_prefix('r').and_then(find) {
            self.attributes.recursive_set = self.attributes.recursive_set & !clear | set;
            self.attributes.recursive_clear = self.attributes.recursive_clear & !set | clear;
        } else if let Some(propagation) = propagation(option) {
            self.propagation.push(propagation);
        } else if REFUSED.contains(&option) {
            return PlanError::invalid(format!("mount option {option} is not supported"));
        } else {
            self.add_other(option);
        }
        Ok(())
    }

    fn add_other(&mut self, option: &str) {
        match option {
            "" => {}
            "bind" => self.bind = Some(Bind::One),
            "rbind" => self.bind = Some(Bind::Recursive),
            "idmap" => self.identities = Some(false),
            "ridmap" => self.identities = Some(true),
            layer if layer.starts_with(LAYER) => self.layers.push(layer[LAYER.len()..].into()),
            below if below.starts_with(BELOW) => self.below = Some(below[BELOW.len()..].into()),
            ignored if IGNORED.contains(&ignored) => {}
            other => {
                let (key, value) = match other.split_once('=') {
                    Some((key, value)) => (key, Some(value.to_owned())),
                    None => (other, None),
                };
                self.parameters.push(Parameter {
                    key: key.to_owned(),
                    value,
                });
            }
        }
    }
}

/// The kernel's `MS_UNBINDABLE`, `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED`.
fn propagation(option: &str) -> Option<Propagation> {
    const FLAGS: [(&str, u64); 4] = [
        ("unbindable", 1 << 17),
        ("private", 1 << 18),
        ("slave", 1 << 19),
        ("shared", 1 << 20),
    ];
    let find = |name: &str| FLAGS.iter().find(|(known, _)| *known == name).map(|(_, flag)| *flag);
    if let Some(flag) = find(option) {
        return Some(Propagation { flag, recursive: false });
    }
    let flag = find(option.strip_prefix('r')?)?;
    Some(Propagation { flag, recursive: true })
}

/// `linux.rootfsPropagation`.
pub(super) fn root_propagation(linux: &Linux) -> Result<Option<Propagation>, PlanError> {
    match linux.rootfs_propagation().as_deref() {
        None | Some("") => Ok(None),
        Some(option) => match propagation(option) {
            Some(propagation) => Ok(Some(propagation)),
            None => PlanError::invalid(format!("rootfsPropagation={option} is not supported")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Options {
        Options::parse(&options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn later_options_win() {
        let options = parse(&["ro", "nosuid", "rw", "noatime", "strictatime"]);
        assert_eq!(options.attributes.set, attr::ATTR_NOSUID | attr::ATTR_STRICTATIME);
        assert_eq!(options.attributes.clear & attr::ATTR_RDONLY, attr::ATTR_RDONLY);
    }

    #[test]
    fn recursive_options_are_apart() {
        let options = parse(&["rbind", "rro", "rprivate", "size=64k", "huge"]);
        assert_eq!(options.bind, Some(Bind::Recursive));
        assert_eq!(
            (options.attributes.set, options.attributes.recursive_set),
            (0, attr::ATTR_RDONLY)
        );
        assert_eq!(
            options.propagation,
            [Propagation {
                flag: 1 << 18,
                recursive: true
            }]
        );
        assert_eq!(options.parameters[0].value.as_deref(), Some("64k"));
        assert_eq!(
            options.parameters[1],
            Parameter {
                key: "huge".into(),
                value: None
            }
        );
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        assert!(
            Options::parse(&["tmpcopyup".to_owned()])
                .unwrap_err()
                .to_string()
                .contains("tmpcopyup")
        );
    }
}
