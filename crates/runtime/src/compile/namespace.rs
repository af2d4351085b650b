//! Namespaces, and what only works inside one of one's own.

use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType};

use super::{Options, PlanError};
use crate::plan::{IdMapping, Namespace, Namespaces, Plan};

/// Which namespaces `linux` asks for.
pub(super) fn compile(linux: &Linux, options: &Options) -> Result<Namespaces, PlanError> {
    let mut all = Namespaces {
        uid_mappings: mappings(linux.uid_mappings().as_deref()),
        gid_mappings: mappings(linux.gid_mappings().as_deref()),
        ..Namespaces::default()
    };
    let mut seen = Vec::new();
    for one in linux.namespaces().iter().flatten() {
        if seen.contains(&one.typ()) {
            return PlanError::invalid(format!("duplicated namespace {}", one.typ()));
        }
        seen.push(one.typ());
        let wanted = match one.path() {
            Some(path) if !path.as_os_str().is_empty() => {
                if !path.is_absolute() {
                    return PlanError::invalid(format!("namespace path {} is not absolute", path.display()));
                }
                Namespace::Path(path.clone())
            }
            Some(_) | None => Namespace::New,
        };
        match one.typ() {
            LinuxNamespaceType::Mount => all.mount = wanted,
            LinuxNamespaceType::Pid => all.pid = wanted,
            LinuxNamespaceType::Network if options.in_network_namespace && wanted == Namespace::New => {}
            LinuxNamespaceType::Network => all.network = wanted,
            LinuxNamespaceType::Ipc => all.ipc = wanted,
            LinuxNamespaceType::Uts => all.uts = wanted,
            LinuxNamespaceType::Cgroup => all.cgroup = wanted,
            LinuxNamespaceType::User => all.user = wanted,
            LinuxNamespaceType::Time => all.time = wanted,
        }
    }
    check(&all)?;
    for (clock, offset) in linux.time_offsets().iter().flatten() {
        let line = format!(
            "{clock} {} {}",
            offset.secs().unwrap_or(0),
            offset.nanosecs().unwrap_or(0)
        );
        all.time_offsets.push(line);
    }
    Ok(all)
}

fn check(all: &Namespaces) -> Result<(), PlanError> {
    if all.user == Namespace::New && (all.uid_mappings.is_empty() || all.gid_mappings.is_empty()) {
        return PlanError::invalid("user namespaces enabled, but no user or group mappings found");
    }
    Ok(())
}

pub(super) fn mappings(mappings: Option<&[LinuxIdMapping]>) -> Vec<IdMapping> {
    let one = |map: &LinuxIdMapping| IdMapping {
        container_id: map.container_id(),
        host_id: map.host_id(),
        size: map.size(),
    };
    mappings.unwrap_or_default().iter().map(one).collect()
}

/// The namespaces of a running container, for one more process.
pub(super) fn of_running(container: &Plan, options: &Options) -> Namespaces {
    let mut namespaces = container.namespaces.clone();
    if options.in_network_namespace {
        // Whoever executes the plan need not stand there any more.
        namespaces.network = Namespace::New;
    }
    namespaces
}

/// Host and domain names belong to a uts namespace; setting those of the host is refused.
pub(super) fn name(kind: &str, name: &Option<String>, namespaces: &Namespaces) -> Result<Option<String>, PlanError> {
    match name.as_deref() {
        None | Some("") => Ok(None),
        Some(_) if !namespaces.uts.is_private() => {
            PlanError::invalid(format!("unable to set {kind} without a private UTS namespace"))
        }
        Some(name) => Ok(Some(name.to_owned())),
    }
}

/// Kernel parameters that belong to a namespace, as paths below `/proc/sys`.
pub(super) fn sysctls(
    linux: &Linux,
    namespaces: &Namespaces,
    options: &Options,
) -> Result<Vec<(String, String)>, PlanError> {
    let own_network = namespaces.network.is_private() || options.in_network_namespace;
    let mut sysctls = Vec::new();
    for (key, value) in linux.sysctl().iter().flatten() {
        // As sysctl(8) has it: whichever separator comes first separates; the other is part of a name.
        let path = match key.find(['.', '/']) {
            Some(at) if key[at..].starts_with('.') => swap_separators(key),
            Some(_) | None => key.clone(),
        };
        let refused = |why: &str| Err(PlanError::Sysctl(format!("sysctl {key:?} {why}")));
        let of_ipc = is_ipc(&path) || path.starts_with("fs/mqueue/");
        if path.split('/').any(|part| part == ".." || part.is_empty()) {
            return refused("is not in a separate kernel namespace");
        } else if path.starts_with("net/") {
            if !own_network {
                return refused("not allowed in host network namespace");
            }
        } else if of_ipc {
            if !namespaces.ipc.is_private() {
                return refused("is not allowed in the hosts ipc namespace");
            }
        } else if path == "kernel/hostname" && namespaces.uts.is_private() {
            return refused("is not allowed as it conflicts with the OCI \"hostname\" field");
        } else if !(is_uts(&path) && namespaces.uts.is_private()) {
            return refused("is not in a separate kernel namespace");
        }
        sysctls.push((path, value.clone()));
    }
    sysctls.sort();
    Ok(sysctls)
}

fn swap_separators(key: &str) -> String {
    key.chars()
        .map(|c| {
            if c == '.' {
                '/'
            } else if c == '/' {
                '.'
            } else {
                c
            }
        })
        .collect()
}

fn is_ipc(path: &str) -> bool {
    const NAMES: [&str; 8] = [
        "kernel/msgmax",
        "kernel/msgmnb",
        "kernel/msgmni",
        "kernel/sem",
        "kernel/shmall",
        "kernel/shmmax",
        "kernel/shmmni",
        "kernel/shm_rmid_forced",
    ];
    NAMES.contains(&path)
}

fn is_uts(path: &str) -> bool {
    path == "kernel/domainname"
}
