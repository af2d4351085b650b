//! From an OCI specification to a plan: pure, no system calls.
//!
//! What runtime-spec leaves to the runtime is decided as runc does, since Docker's users know that:
//! default devices and links below `/dev`, `/dev/ptmx`, which mount options exist, how limits map to
//! the files of control groups v1 and v2.

mod cgroup;
mod device;
mod mount;
mod namespace;
mod process;
mod resources;
#[cfg(test)]
mod tests;

pub use mount::{BELOW, LAYER, LAYERS, OF_PROCESS};

pub(crate) use process::number as capability_number;

use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxResources, Process, Spec};

use crate::host::Host;
use crate::plan::{self, CgroupWrite, ExecPlan, Hook, Hooks, Layout, Plan, Property, Root, Rootfs};

/// What a specification cannot say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The container's id, for hooks and for the control groups of a specification that names none.
    pub id: String,
    /// Where the bundle is; relative sources and a relative root are below it.
    pub bundle: PathBuf,
    /// Docker's `USER` and further groups, instead of the numbers in the specification.
    pub user: Option<NamedUser>,
    /// Which system calls are filtered.
    pub seccomp: Seccomp,
    /// Make the working directory if it does not exist, as Docker does for the first process.
    pub make_cwd: bool,
    /// The program that executes the plan already stands in the container's private network
    /// namespace: a network namespace without a path is then kept instead of made.
    pub in_network_namespace: bool,
    /// systemd makes the control groups: `linux.cgroupsPath` is `slice:prefix:name`.
    pub systemd: bool,
}

/// A user to resolve inside the container.
#[derive(Debug, Clone, Default)]
pub struct NamedUser {
    /// `name`, `uid`, `name:group`, `uid:gid` or empty.
    pub user: String,
    /// Further groups by name or number (`--group-add`).
    pub groups: Vec<String>,
}

/// Where the system call filter comes from.
#[derive(Debug, Clone, Default)]
pub enum Seccomp {
    /// `linux.seccomp` of the specification, none if that is missing.
    #[default]
    Specification,
    /// Docker's default profile for the process's capabilities.
    DockerDefault,
    /// A profile in Docker's JSON format (`--security-opt seccomp=<file>`).
    DockerProfile(String),
    /// No filter.
    Unconfined,
}

/// Why a specification has no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A part of it is wrong or cannot be done, in words for the user.
    #[error("{0}")]
    Invalid(String),
    /// A kernel parameter that is not the container's alone, in runc's words.
    #[error("{0}")]
    Sysctl(String),
    /// A limit that the kernel would make another one, in runc's words.
    #[error("{0}")]
    Limit(String),
    /// The system call filter cannot be compiled.
    #[error(transparent)]
    Seccomp(#[from] crate::seccomp::CompileError),
}

impl PlanError {
    fn invalid<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(Self::Invalid(message.into()))
    }
}

/// Compiles a container. `root` overrides the specification's `root.path`.
pub fn compile(spec: &Spec, root: Rootfs, host: &Host, options: &Options) -> Result<Plan, PlanError> {
    let Some(process) = spec.process() else {
        return PlanError::invalid("process property must not be empty");
    };
    let Some(linux) = spec.linux() else {
        return PlanError::invalid("linux property must not be empty");
    };
    refuse_unbuilt(spec, linux)?;
    let namespaces = namespace::compile(linux, options)?;
    if !namespaces.mount.is_private() && !matches!(root, Rootfs::Directory(_)) {
        return PlanError::invalid("an overlay root needs a mount namespace of its own");
    }
    let cgroup = cgroup::compile(linux, host, options)?;
    let mounts = mount::compile(spec, host, &namespaces, &cgroup, &options.bundle)?;
    let own_dev = device::has_own_dev(spec);
    let plan = Plan {
        version: plan::VERSION,
        id: options.id.clone(),
        bundle: options.bundle.clone(),
        annotations: spec
            .annotations()
            .iter()
            .flatten()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        root: Root {
            source: root,
            readonly: spec.root().as_ref().and_then(|root| root.readonly()).unwrap_or(false),
            propagation: mount::root_propagation(linux)?,
        },
        root_links: Vec::new(),
        devices: device::compile(linux, own_dev)?,
        links: mounts.links.into_iter().chain(device::links(own_dev)).collect(),
        mounts: mounts.mounts,
        masked_paths: paths(linux.masked_paths().as_deref()),
        readonly_paths: paths(linux.readonly_paths().as_deref()),
        hostname: namespace::name("hostname", spec.hostname(), &namespaces)?,
        domainname: namespace::name("domainname", spec.domainname(), &namespaces)?,
        sysctls: namespace::sysctls(linux, &namespaces, options)?,
        cgroup,
        process: process::compile(
            process,
            process::Filtered {
                linux: Some(linux),
                inherited: None,
            },
            host,
            options,
        )?,
        hooks: hooks(spec),
        namespaces,
    };
    Ok(plan)
}

/// Each limit of `resources` with its controller, in the order in which they are written.
///
/// # Errors
/// A limit makes no sense, or the layout has no such limit.
pub fn limits(layout: Layout, resources: &LinuxResources) -> Result<Vec<(String, CgroupWrite)>, PlanError> {
    Ok(match layout {
        Layout::V1 => resources::v1(resources)?
            .into_iter()
            .map(|(controller, write)| (controller.to_owned(), write))
            .collect(),
        Layout::V2 => resources::v2(resources)?
            .1
            .into_iter()
            .map(|write| (write.file.split('.').next().unwrap_or_default().to_owned(), write))
            .collect(),
    })
}

/// The same limits as properties of a systemd scope.
///
/// # Errors
/// As [`limits`].
pub(crate) fn scope_limits(layout: Layout, resources: &LinuxResources) -> Result<Vec<Property>, PlanError> {
    cgroup::scope_limits(layout, resources)
}

/// Compiles a further process of the container that `container` describes.
///
/// Of `options` it takes user, seccomp and `make_cwd`; with [`Seccomp::Specification`] the filter is
/// that of the container's first process. Capabilities that `process` does not name are none.
pub fn compile_exec(
    process: &Process,
    container: &Plan,
    host: &Host,
    options: &Options,
) -> Result<ExecPlan, PlanError> {
    let filtered = process::Filtered {
        linux: None,
        inherited: container.process.seccomp.as_ref(),
    };
    Ok(ExecPlan {
        version: plan::VERSION,
        process: process::compile(process, filtered, host, options)?,
        namespaces: namespace::of_running(container, options),
        cgroup: container.cgroup.clone(),
    })
}

/// What would change how a container runs, and is not there, is refused by name.
fn refuse_unbuilt(spec: &Spec, linux: &Linux) -> Result<(), PlanError> {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let refused = [
        ("linux.mountLabel", given(linux.mount_label())),
        ("linux.intelRdt", linux.intel_rdt().is_some()),
        ("linux.memoryPolicy", linux.memory_policy().is_some()),
        (
            "linux.netDevices",
            linux.net_devices().as_ref().is_some_and(|devices| !devices.is_empty()),
        ),
        ("vm", spec.vm().is_some()),
        ("windows", spec.windows().is_some()),
        ("solaris", spec.solaris().is_some()),
    ];
    refuse_first(&refused)
}

fn refuse_first(refused: &[(&str, bool)]) -> Result<(), PlanError> {
    match refused.iter().find(|(_, given)| *given) {
        Some((name, _)) => PlanError::invalid(format!("{name} is specified in config, but not supported")),
        None => Ok(()),
    }
}

fn paths(texts: Option<&[String]>) -> Vec<PathBuf> {
    texts.unwrap_or_default().iter().map(PathBuf::from).collect()
}

/// Where a relative path of the specification is.
fn below(bundle: &Path, path: &Path) -> PathBuf {
    bundle.join(path)
}

fn hooks(spec: &Spec) -> Hooks {
    let Some(hooks) = spec.hooks() else {
        return Hooks::default();
    };
    let all = |list: &Option<Vec<oci_spec::runtime::Hook>>| list.iter().flatten().map(hook).collect();
    Hooks {
        prestart: all(hooks.prestart()),
        create_runtime: all(hooks.create_runtime()),
        create_container: all(hooks.create_container()),
        start_container: all(hooks.start_container()),
        poststart: all(hooks.poststart()),
        poststop: all(hooks.poststop()),
    }
}

fn hook(hook: &oci_spec::runtime::Hook) -> Hook {
    Hook {
        path: hook.path().clone(),
        args: hook.args().clone().unwrap_or_default(),
        env: hook.env().clone().unwrap_or_default(),
        timeout_seconds: hook.timeout().and_then(|seconds| u64::try_from(seconds).ok()),
    }
}
