//! From what holds for a container to an OCI specification (pure): Docker's default mounts, devices,
//! limits and namespaces, changed by the container's options. Written as the JSON that the
//! specification is.

mod group;
mod mounts;
mod namespaces;
pub(crate) mod prepared;
mod process;
mod read;
mod resources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use corten_api::container::{DeviceMapping, HostConfig};
use corten_runtime::compile::{NamedUser, Options, PlanError, Seccomp, compile, compile_exec};
use corten_runtime::host::Host;
use corten_runtime::plan::{ExecPlan, Hook, Hooks, Plan, Rootfs};
use oci_spec::runtime::Spec;
use serde_json::{Value, json};

use self::namespaces::{mappings, namespaces};
use self::process::{environment, no_new_privileges, process, replace, rlimits, set_default, working_directory};
use super::effective::{Effective, NetworkMode};
use super::joins::Joined;
use super::mounts::MountSpec;
use crate::Config;
use crate::cdi::Edits;
use crate::error::{Error, Result};
use crate::identity::Mapping;

/// What a specification is made of besides the configuration: things that exist on the host by now.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The container's id.
    pub id: &'a str,
    /// Its mounts with the host path of each (empty for memory).
    pub mounts: &'a [(MountSpec, String)],
    /// The layers of each image that is mounted, topmost first, by its destination.
    pub layers: &'a BTreeMap<String, Vec<PathBuf>>,
    /// Whose files mapped binds show as the container's user's, by destination.
    pub swaps: &'a BTreeMap<String, Swap>,
    /// Limits for block devices, in the specification's form.
    pub block_io: Value,
    /// Host files to mount: source and destination.
    pub files: &'a [(String, String)],
    /// Process whose ipc namespace and `/dev/shm` are shared.
    pub(crate) ipc_of: Option<&'a Joined>,
    /// Where its `/dev/shm` is on the host, if it is to be found there.
    pub(crate) shared_memory: Option<PathBuf>,
    /// Process whose pid namespace is joined.
    pub(crate) pid_of: Option<&'a Joined>,
    /// Who its users are on the host, in a user namespace.
    pub identity: Option<&'a Mapping>,
    /// Process whose user namespace that is; otherwise a new one is made.
    pub(crate) user_of: Option<&'a Joined>,
    /// Its first process makes its network namespace, which then belongs to its user namespace.
    pub makes_network: bool,
    /// Device nodes to pass in, looked up on the host.
    pub devices: &'a [DeviceNode],
    /// What else vendors' devices bring.
    pub(crate) edits: &'a Edits,
}

/// The owner of a bind's source and the container's user, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swap {
    /// Of users.
    pub uids: (u32, u32),
    /// Of groups.
    pub gids: (u32, u32),
}

/// A device of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceNode {
    /// Where it appears.
    pub path: String,
    /// Where it is on the host.
    pub host_path: String,
    /// `c`, `b` or `p`.
    pub kind: char,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Some of `rwm`.
    pub access: String,
}

/// Where `--init` puts its program.
pub const INIT_PATH: &str = "/sbin/docker-init";

/// The compiled container.
pub fn plan(
    effective: &Effective,
    settings: &Config,
    host: &Host,
    root: Rootfs,
    facts: &Facts<'_>,
) -> Result<Plan, PlanError> {
    let spec = specification(effective, settings, host, facts)?;
    let options = Options {
        id: facts.id.to_owned(),
        user: Some(NamedUser {
            user: effective.config.user.clone(),
            groups: groups(&effective.host, facts.edits),
        }),
        seccomp: seccomp(&effective.host, settings),
        make_cwd: true,
        systemd: settings.uses_systemd(),
        ..Options::default()
    };
    let mut plan = compile(&spec, root, host, &options)?;
    plan.hooks = hooks(facts.edits);
    plan.root_links = prepared::links();
    for device in &mut plan.devices {
        let node = facts.devices.iter().find(|node| Path::new(&node.path) == device.path);
        device.host_path = node.map(|node| PathBuf::from(&node.host_path));
    }
    Ok(plan)
}

fn groups(host: &HostConfig, edits: &Edits) -> Vec<String> {
    let given = host.group_add.iter().cloned();
    given.chain(edits.additional_gids.iter().map(u32::to_string)).collect()
}

pub(crate) use group::limit;
pub(crate) use resources::check_device_rules;

/// Docker's words around what the runtime refuses before it does anything.
const RUNTIME_FAILED: &str =
    "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ";

/// And around a limit that cannot be.
const LIMIT_FAILED: &str = "unable to start container process: error during container init: error setting cgroup config for procHooks process: ";

/// Why there is no plan, as clients are told.
pub(crate) fn refusal(error: PlanError) -> Error {
    match error {
        PlanError::Invalid(message) => Error::invalid(message),
        PlanError::Sysctl(message) => Error::internal(format!("{RUNTIME_FAILED}{message}")),
        PlanError::Limit(message) => Error::internal(format!("{RUNTIME_FAILED}{LIMIT_FAILED}{message}")),
        other => Error::internal(other.to_string()),
    }
}

/// What an exec session runs.
#[derive(Debug, Clone)]
pub struct ExecRequest<'a> {
    /// Program and arguments.
    pub args: &'a [String],
    /// Variables in front of the container's.
    pub env: &'a [String],
    /// As whom; empty: as the container.
    pub user: &'a str,
    /// Where; empty: as the container.
    pub working_dir: &'a str,
    /// With a terminal.
    pub tty: bool,
    /// With all capabilities.
    pub privileged: bool,
}

/// The compiled exec session of the container that `container` describes.
pub fn exec_plan(
    effective: &Effective,
    settings: &Config,
    host: &Host,
    container: &Plan,
    request: &ExecRequest<'_>,
) -> Result<ExecPlan, PlanError> {
    let config = &effective.config;
    let mut env = environment(config);
    if request.tty && !config.tty {
        set_default(&mut env, "TERM", "xterm");
    }
    for variable in request.env {
        replace(&mut env, variable);
    }
    let user = if request.user.is_empty() {
        &config.user
    } else {
        request.user
    };
    let directory = if request.working_dir.is_empty() {
        working_directory(config)
    } else {
        request.working_dir
    };
    let privileged = request.privileged || effective.host.privileged;
    let mut process = process(effective, host, request.args, &env, privileged);
    set(&mut process, "terminal", json!(request.tty));
    set(&mut process, "cwd", json!(directory));
    let process = read::process(process).map_err(|error| PlanError::Invalid(error.to_string()))?;
    let options = Options {
        user: Some(NamedUser {
            user: user.to_owned(),
            groups: effective.host.group_add.iter().cloned().collect(),
        }),
        seccomp: if request.privileged {
            Seccomp::Unconfined
        } else {
            seccomp(&effective.host, settings)
        },
        ..Options::default()
    };
    compile_exec(&process, container, host, &options)
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn seccomp(host: &HostConfig, settings: &Config) -> Seccomp {
    let given = host.security_opt.iter().rev().find_map(|option| {
        option
            .strip_prefix("seccomp=")
            .or_else(|| option.strip_prefix("seccomp:"))
    });
    match given.or(settings.seccomp_profile.as_deref()) {
        // A profile of its own holds for a privileged container too.
        _ if host.privileged && given.is_none() => Seccomp::Unconfined,
        None | Some("builtin" | "default" | "") => Seccomp::DockerDefault,
        Some("unconfined") => Seccomp::Unconfined,
        Some(profile) => Seccomp::DockerProfile(profile.to_owned()),
    }
}

/// The specification itself.
pub fn specification(
    effective: &Effective,
    settings: &Config,
    host: &Host,
    facts: &Facts<'_>,
) -> Result<Spec, PlanError> {
    let (config, host_config) = (&effective.config, &effective.host);
    let mut args: Vec<String> = config.entrypoint.iter().chain(config.cmd.iter()).cloned().collect();
    if host_config.init == Some(true) && facts.pid_of.is_none() && host_config.pid_mode != "host" {
        args.splice(0..0, [INIT_PATH.to_owned(), "--".to_owned()]);
    }
    let env = environment(config);
    let mut process = process(effective, host, &args, &env, host_config.privileged);
    set(&mut process, "terminal", json!(config.tty));
    set(&mut process, "rlimits", rlimits(host_config, settings));
    set(&mut process, "oomScoreAdj", json!(host_config.oom_score_adj));
    set(
        &mut process,
        "noNewPrivileges",
        json!(no_new_privileges(host_config, settings)),
    );
    let document = json!({
        "ociVersion": "1.2.0",
        "process": process,
        "root": { "path": "/", "readonly": host_config.readonly_rootfs },
        "hostname": hostname(effective),
        "domainname": config.domainname,
        "mounts": mounts::mounts(effective, settings, facts),
        "annotations": *host_config.annotations,
        "linux": linux(effective, settings, facts),
    });
    read::specification(document).map_err(|error| PlanError::Invalid(error.to_string()))
}

/// What vendors' devices have run, by the point of the container's life.
fn hooks(edits: &Edits) -> Hooks {
    let mut hooks = Hooks::default();
    for hook in &edits.hooks {
        let point = match hook.hook_name.as_str() {
            "prestart" => &mut hooks.prestart,
            "createRuntime" => &mut hooks.create_runtime,
            "createContainer" => &mut hooks.create_container,
            "startContainer" => &mut hooks.start_container,
            "poststart" => &mut hooks.poststart,
            // Other names were refused when the file was read.
            _ => &mut hooks.poststop,
        };
        point.push(Hook {
            path: PathBuf::from(&hook.path),
            args: hook.args.clone(),
            env: hook.env.clone(),
            timeout_seconds: hook.timeout.and_then(|seconds| u64::try_from(seconds).ok()),
        });
    }
    hooks
}

fn hostname(effective: &Effective) -> Option<&str> {
    Some(effective.config.hostname.as_str()).filter(|name| effective.host.uts_mode != "host" && !name.is_empty())
}

fn linux(effective: &Effective, settings: &Config, facts: &Facts<'_>) -> Value {
    let host = &effective.host;
    let devices: Vec<Value> = facts.devices.iter().map(node).collect();
    json!({
        "namespaces": namespaces(effective, facts),
        "uidMappings": mappings(facts.identity.map(|mapping| &mapping.uids)),
        "gidMappings": mappings(facts.identity.map(|mapping| &mapping.gids)),
        "cgroupsPath": group::path(&host.cgroup_parent, settings, facts.id),
        "resources": resources::resources(host, facts),
        "devices": devices,
        "sysctl": sysctls(effective, facts),
        "maskedPaths": *host.masked_paths,
        "readonlyPaths": *host.readonly_paths,
        "rootfsPropagation": root_propagation(facts),
    })
}

/// Those given over those that every network of its own has: a user without capabilities may ping, and listen
/// on any port (observed: dockerd 28.5).
fn sysctls(effective: &Effective, facts: &Facts<'_>) -> BTreeMap<String, String> {
    let mut sysctls = BTreeMap::new();
    let host = &effective.host;
    if !matches!(effective.network, NetworkMode::Host | NetworkMode::Container(_)) {
        if facts.identity.is_none() {
            sysctls.insert("net.ipv4.ping_group_range".to_owned(), "0 2147483647".to_owned());
        }
        sysctls.insert("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned());
    }
    sysctls.extend(host.sysctls.iter().map(|(name, value)| (name.clone(), value.clone())));
    sysctls
}

fn root_propagation(facts: &Facts<'_>) -> Option<&'static str> {
    let has = |word: &str| facts.mounts.iter().any(|(spec, _)| spec.propagation.ends_with(word));
    if has("shared") {
        Some("shared")
    } else if has("slave") {
        Some("rslave")
    } else {
        None
    }
}

fn node(device: &DeviceNode) -> Value {
    json!({
        "path": device.path, "type": device.kind.to_string(), "major": device.major, "minor": device.minor,
        "fileMode": device.mode, "uid": device.uid, "gid": device.gid,
    })
}

/// Where a `--device` appears and with which access, defaults filled in.
#[must_use]
pub fn device_defaults(mapping: &DeviceMapping) -> (String, String) {
    let path = if mapping.path_in_container.is_empty() {
        &mapping.path_on_host
    } else {
        &mapping.path_in_container
    };
    let access = if mapping.cgroup_permissions.is_empty() {
        "rwm"
    } else {
        &mapping.cgroup_permissions
    };
    (path.clone(), access.to_owned())
}

#[cfg(test)]
mod tests;
