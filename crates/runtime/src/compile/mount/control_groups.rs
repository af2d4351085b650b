//! `/sys/fs/cgroup` of a container on a v1 host: a small directory with one mount per hierarchy.

use std::path::Path;

use corten_sys::mount as attr;

use super::{Compiled, Options};
use crate::host::{Hierarchy, Host};
use crate::plan::{Attributes, Cgroup, Link, Mount, MountSource, Parameter};

/// What the container is shown.
pub(super) struct Shown<'a> {
    pub(super) host: &'a Host,
    pub(super) cgroup: &'a Cgroup,
    /// It has a cgroup namespace of its own.
    pub(super) own: bool,
}

/// Adds the directory, one mount for each v1 hierarchy, and a link for each controller that shares one.
pub(super) fn hierarchies(options: &Options, destination: &Path, shown: &Shown<'_>, compiled: &mut Compiled) {
    let readonly = options.attributes.set & attr::ATTR_RDONLY != 0;
    compiled.mounts.push(directory(destination, readonly));
    for hierarchy in shown.host.hierarchies.iter().filter(|hierarchy| !hierarchy.unified) {
        let Some(name) = hierarchy.mount.file_name() else {
            continue;
        };
        compiled.mounts.push(Mount {
            destination: destination.join(name),
            source: source(hierarchy, shown),
            attributes: options.attributes,
            propagation: Vec::new(),
            readonly_late: false,
            identities: None,
        });
        for controller in hierarchy
            .controllers
            .iter()
            .filter(|controller| Path::new(controller) != Path::new(name))
        {
            if hierarchy.controllers.len() > 1 {
                compiled.links.push(Link {
                    path: destination.join(controller),
                    target: name.into(),
                });
            }
        }
    }
}

fn directory(destination: &Path, readonly: bool) -> Mount {
    let set = attr::ATTR_NOEXEC | attr::ATTR_NOSUID | attr::ATTR_NODEV;
    let mode = Parameter {
        key: "mode".into(),
        value: Some("755".into()),
    };
    Mount {
        destination: destination.to_path_buf(),
        source: MountSource::Filesystem {
            kind: "tmpfs".into(),
            source: "tmpfs".into(),
            parameters: vec![mode],
        },
        attributes: Attributes {
            set,
            ..Attributes::default()
        },
        propagation: Vec::new(),
        readonly_late: readonly,
        identities: None,
    }
}

/// With a namespace of its own the container mounts the hierarchy and sees its own group as the root;
/// without one its group is bound.
fn source(hierarchy: &Hierarchy, shown: &Shown<'_>) -> MountSource {
    if shown.own {
        let parameters = hierarchy
            .controllers
            .iter()
            .flat_map(|controller| match controller.split_once('=') {
                Some((key, value)) => vec![
                    Parameter {
                        key: "none".into(),
                        value: None,
                    },
                    Parameter {
                        key: key.into(),
                        value: Some(value.into()),
                    },
                ],
                None => vec![Parameter {
                    key: controller.clone(),
                    value: None,
                }],
            });
        return MountSource::Filesystem {
            kind: "cgroup".into(),
            source: "cgroup".into(),
            parameters: parameters.collect(),
        };
    }
    let own = shown
        .cgroup
        .directories
        .iter()
        .find(|directory| directory.mount == hierarchy.mount);
    let path = own.map_or_else(
        || hierarchy.mount.join(&hierarchy.own),
        |directory| directory.absolute(),
    );
    MountSource::Bind {
        path,
        below: None,
        recursive: false,
    }
}
