//! From an OCI specification to a plan: pure, no system calls.

use oci_spec::runtime::{Process, Spec};

use crate::host::Host;
use crate::plan::{ExecPlan, Plan, Rootfs};

/// What a specification cannot say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The container's id, for hooks.
    pub id: String,
    /// Where the bundle is; relative sources and a relative root are below it.
    pub bundle: std::path::PathBuf,
    /// Docker's `USER` and further groups, instead of the numbers in the specification.
    pub user: Option<NamedUser>,
    /// Which system calls are filtered.
    pub seccomp: Seccomp,
    /// Make the working directory if it does not exist, as Docker does for the first process.
    pub make_cwd: bool,
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
}

/// Compiles a container. `root` overrides the specification's `root.path`.
pub fn compile(_spec: &Spec, _root: Rootfs, _host: &Host, _options: &Options) -> Result<Plan, PlanError> {
    unimplemented!()
}

/// Compiles a further process of the container that `container` describes.
///
/// Of `options` it takes user, seccomp and `make_cwd`; capabilities that `process` does not name are none.
pub fn compile_exec(
    _process: &Process,
    _container: &Plan,
    _host: &Host,
    _options: &Options,
) -> Result<ExecPlan, PlanError> {
    unimplemented!()
}
