//! `linux.seccomp` of an OCI specification (runtime-spec config-linux.md#seccomp).

use oci_spec::runtime::LinuxSeccomp;
use serde_json::Value;

use super::profile::{self, Action, Condition, Profile};
use super::{Architecture, CompileError};

/// Names are taken in their JSON form, which both formats share.
fn name<T: serde::Serialize>(value: &T) -> Result<String, CompileError> {
    match serde_json::to_value(value)? {
        Value::String(name) => Ok(name),
        other => Err(CompileError::Invalid(format!("{other} is no name"))),
    }
}

/// Converts the section.
pub(super) fn convert(section: &LinuxSeccomp) -> Result<Profile, CompileError> {
    if section
        .listener_path()
        .as_ref()
        .is_some_and(|path| !path.as_os_str().is_empty())
    {
        return Err(CompileError::Invalid("seccomp listenerPath is not supported".into()));
    }
    let default = Action::from_name(&name(&section.default_action())?, section.default_errno_ret())?;
    let mut architectures = Vec::new();
    for one in section.architectures().iter().flatten() {
        // Those of other processors cannot occur.
        architectures.extend(Architecture::from_name(&name(one)?));
    }
    if architectures.is_empty() {
        architectures.push(Architecture::NATIVE);
    }
    let mut rules = Vec::new();
    for syscall in section.syscalls().iter().flatten() {
        let action = Action::from_name(&name(&syscall.action())?, syscall.errno_ret())?;
        let mut conditions = Vec::new();
        for argument in syscall.args().iter().flatten() {
            let second = argument.value_two().unwrap_or(0);
            conditions.push(Condition::new(
                argument.index(),
                &name(&argument.op())?,
                argument.value(),
                second,
            )?);
        }
        rules.extend(
            syscall
                .names()
                .iter()
                .flat_map(|name| profile::rules(name, action, &conditions)),
        );
    }
    let mut flags = 0;
    for one in section.flags().iter().flatten() {
        flags |= profile::flag(&name(one)?)?;
    }
    Ok(Profile {
        default,
        architectures,
        rules,
        flags,
    })
}
