//! Control groups: which directories, and what is written there.

use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxResources};

use super::{Options, PlanError, resources};
use crate::host::{Hierarchy, Host};
use crate::plan::{Cgroup, CgroupDirectory, CgroupWrite, Layout, Scope};

mod device;
mod scope;

pub(super) use scope::limits as scope_limits;

/// The container's groups with its limits.
pub(super) fn compile(linux: &Linux, host: &Host, options: &Options) -> Result<Cgroup, PlanError> {
    let mut scope = options.systemd.then(|| scope_of(linux, host, options)).transpose()?;
    let place = match &scope {
        Some(scope) => Place::Absolute(scope::place(&scope.slice)?.join(&scope.unit)),
        None => Place::of(linux, options)?,
    };
    let default = LinuxResources::default();
    let limits = linux.resources().as_ref().unwrap_or(&default);
    let mut cgroup = Cgroup {
        layout: host.layout,
        ..Cgroup::default()
    };
    for hierarchy in &host.hierarchies {
        cgroup.directories.push(CgroupDirectory {
            mount: hierarchy.mount.clone(),
            path: place.below(hierarchy),
            controllers: hierarchy.controllers.clone(),
            unified: hierarchy.unified,
            writes: Vec::new(),
        });
    }
    let rules = device::Rules::of(limits.devices().as_deref().unwrap_or_default())?;
    match host.layout {
        Layout::V1 => {
            let all = resources::v1(limits)?
                .into_iter()
                .chain(rules.v1_writes().map(|write| ("devices", write)));
            for (controller, write) in all {
                add(&mut cgroup, controller, write)?;
            }
            if let Some(scope) = &mut scope {
                scope.properties.extend(rules.properties());
            }
        }
        Layout::V2 => {
            let directory = cgroup.directories.iter_mut().find(|directory| directory.unified);
            let Some(directory) = directory else {
                return PlanError::invalid("no cgroup v2 hierarchy");
            };
            (directory.controllers, directory.writes) = resources::v2(limits)?;
            cgroup.device_program = rules.program();
        }
    }
    cgroup.scope = scope;
    Ok(cgroup)
}

fn scope_of(linux: &Linux, host: &Host, options: &Options) -> Result<Scope, PlanError> {
    let path = linux.cgroups_path().as_ref().and_then(|path| path.to_str());
    let mut scope = scope::named(path.unwrap_or_default(), &options.id)?;
    scope.properties = scope::accounting(host.layout);
    if let Some(resources) = linux.resources() {
        scope.properties.extend(scope::limits(host.layout, resources)?);
    }
    Ok(scope)
}

/// A limit whose controller the host lacks is an error, except that device rules then have no one to enforce them.
fn add(cgroup: &mut Cgroup, controller: &str, write: CgroupWrite) -> Result<(), PlanError> {
    let has = |directory: &&mut CgroupDirectory| directory.controllers.iter().any(|name| name == controller);
    match cgroup.directories.iter_mut().find(has) {
        Some(directory) => directory.writes.push(write),
        None if controller == "devices" || write.optional => {}
        None => return PlanError::invalid(format!("cgroup controller {controller} is not available on this host")),
    }
    Ok(())
}

/// Where `linux.cgroupsPath` points: absolute from each hierarchy's mount point, relative from the runtime's own group.
enum Place {
    Absolute(PathBuf),
    Relative(PathBuf),
}

impl Place {
    fn of(linux: &Linux, options: &Options) -> Result<Self, PlanError> {
        let path = match linux.cgroups_path() {
            Some(path) if !path.as_os_str().is_empty() => path.as_path(),
            Some(_) | None if options.id.is_empty() => {
                return PlanError::invalid("neither cgroupsPath nor an id is given");
            }
            Some(_) | None => Path::new(&options.id),
        };
        if path.components().any(|part| part == Component::ParentDir) {
            return PlanError::invalid(format!("cgroupsPath {} contains ..", path.display()));
        }
        match path.strip_prefix("/") {
            Ok(rest) if rest.as_os_str().is_empty() => PlanError::invalid("cgroupsPath must not be the root"),
            Ok(rest) => Ok(Self::Absolute(rest.to_path_buf())),
            Err(_) => Ok(Self::Relative(path.to_path_buf())),
        }
    }

    fn below(&self, hierarchy: &Hierarchy) -> PathBuf {
        match self {
            Self::Absolute(path) => path.clone(),
            Self::Relative(path) => hierarchy.own.join(path),
        }
    }
}
