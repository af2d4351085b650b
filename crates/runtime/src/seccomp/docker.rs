//! Docker's JSON format: an OCI section with conditions on capabilities, architecture and kernel.

use serde::Deserialize;

use super::profile::{self, Action, Condition, Profile};
use super::{Architecture, CompileError, Context};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    default_action: String,
    default_errno_ret: Option<u32>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<ArchitectureMap>>,
    flags: Option<Vec<String>>,
    listener_path: String,
    syscalls: Option<Vec<Syscall>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ArchitectureMap {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Syscall {
    name: String,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u32>,
    args: Option<Vec<Argument>>,
    includes: Filter,
    excludes: Filter,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Argument {
    index: usize,
    value: u64,
    value_two: u64,
    op: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// Parses `json` for a process.
pub(super) fn parse(json: &str, context: &Context, native: Architecture) -> Result<Profile, CompileError> {
    let document: Document = serde_json::from_str(json)?;
    if !document.listener_path.is_empty() {
        return Err(CompileError::Invalid("seccomp listenerPath is not supported".into()));
    }
    let default = Action::from_name(&document.default_action, document.default_errno_ret)?;
    let architectures = architectures(&document, native)?;
    let mut rules = Vec::new();
    for syscall in document.syscalls.iter().flatten() {
        if !applies(syscall, context, native)? {
            continue;
        }
        let action = Action::from_name(&syscall.action, syscall.errno_ret)?;
        let mut conditions = Vec::new();
        for argument in syscall.args.iter().flatten() {
            conditions.push(Condition::new(
                argument.index,
                &argument.op,
                argument.value,
                argument.value_two,
            )?);
        }
        for name in names(syscall)? {
            rules.extend(profile::rules(name, action, &conditions));
        }
    }
    let mut flags = 0;
    for one in document.flags.iter().flatten() {
        flags |= profile::flag(one)?;
    }
    Ok(Profile {
        default,
        architectures,
        rules,
        flags,
    })
}

fn architectures(document: &Document, native: Architecture) -> Result<Vec<Architecture>, CompileError> {
    let listed = document.architectures.as_deref().unwrap_or_default();
    let mapped = document.arch_map.as_deref().unwrap_or_default();
    if !listed.is_empty() && !mapped.is_empty() {
        let text = "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'";
        return Err(CompileError::Invalid(text.into()));
    }
    let entry = mapped
        .iter()
        .find(|map| Architecture::from_name(&map.architecture) == Some(native));
    let of_entry = entry
        .into_iter()
        .flat_map(|map| std::iter::once(&map.architecture).chain(map.sub_architectures.iter().flatten()));
    let known: Vec<_> = listed
        .iter()
        .chain(of_entry)
        .filter_map(|name| Architecture::from_name(name))
        .collect();
    Ok(if known.is_empty() { vec![native] } else { known })
}

fn names(syscall: &Syscall) -> Result<Vec<&str>, CompileError> {
    let names = syscall.names.as_deref().unwrap_or_default();
    if !syscall.name.is_empty() && !names.is_empty() {
        let text = "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'";
        return Err(CompileError::Invalid(text.into()));
    }
    let single = Some(syscall.name.as_str()).filter(|name| !name.is_empty());
    Ok(single.into_iter().chain(names.iter().map(String::as_str)).collect())
}

/// Included architectures are alternatives; included capabilities are all needed; an excluded one suffices.
fn applies(syscall: &Syscall, context: &Context, native: Architecture) -> Result<bool, CompileError> {
    let arch = |names: &Option<Vec<String>>| names.iter().flatten().any(|name| name == native.go_name());
    let (includes, excludes) = (&syscall.includes, &syscall.excludes);
    if arch(&excludes.arches)
        || (includes.arches.as_ref().is_some_and(|names| !names.is_empty()) && !arch(&includes.arches))
    {
        return Ok(false);
    }
    let has = |name: &String| capability(name).is_some_and(|number| context.has(number));
    if excludes.caps.iter().flatten().any(has) || !includes.caps.iter().flatten().all(has) {
        return Ok(false);
    }
    let reached = |version: &Option<String>| -> Result<Option<bool>, CompileError> {
        let Some(version) = version.as_ref().filter(|version| !version.is_empty()) else {
            return Ok(None);
        };
        let parsed = version
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let wanted: (u32, u32) =
            parsed.ok_or_else(|| CompileError::Invalid(format!("invalid kernel version: {version:?}")))?;
        Ok(Some(context.kernel >= wanted))
    };
    Ok(reached(&excludes.min_kernel)? != Some(true) && reached(&includes.min_kernel)? != Some(false))
}

fn capability(name: &str) -> Option<u32> {
    let upper = name.to_ascii_uppercase();
    let capability = upper
        .strip_prefix("CAP_")
        .unwrap_or(&upper)
        .parse::<oci_spec::runtime::Capability>()
        .ok()?;
    Some(crate::compile::capability_number(capability))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#"{
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["cacheflush"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm"]}},
            {"name": "socket", "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]}
        ]}"#;

    fn names(context: &Context) -> Vec<String> {
        let profile = parse(PROFILE, context, Architecture::X86_64).unwrap();
        assert_eq!(profile.architectures, [Architecture::X86_64, Architecture::X86]);
        assert_eq!(profile.default, Action::Errno(38));
        profile.rules.into_iter().map(|rule| rule.name).collect()
    }

    #[test]
    fn conditions_select_rules() {
        let plain = Context {
            capabilities: 0,
            kernel: (4, 4),
        };
        assert_eq!(names(&plain), ["read", "write", "clone3", "socket"]);
        let admin = Context {
            capabilities: 1 << 21,
            kernel: (5, 10),
        };
        assert_eq!(names(&admin), ["read", "write", "mount", "ptrace", "socket"]);
    }

    #[test]
    fn garbage_is_refused() {
        let context = Context::default();
        for json in ["", "[]", "{}", r#"{"defaultAction": "X"}"#, r#"{"defaultAction": 7}"#] {
            assert!(parse(json, &context, Architecture::X86_64).is_err(), "{json}");
        }
    }
}
