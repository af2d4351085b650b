//! The process of a specification: its variables, capabilities and limits, for a container as for an exec session.

use std::sync::LazyLock;

use corten_api::container::{ContainerConfig, HostConfig};
use corten_runtime::host::Host;
use serde_json::{Value, json};

use crate::Config;
use crate::container::capability;
use crate::container::effective::Effective;

pub(super) fn working_directory(config: &ContainerConfig) -> &str {
    if config.working_dir.is_empty() {
        "/"
    } else {
        &config.working_dir
    }
}

pub(super) fn process(effective: &Effective, host: &Host, args: &[String], env: &[String], privileged: bool) -> Value {
    let host_config = &effective.host;
    let capabilities = capability::tweak(&host_config.cap_add, &host_config.cap_drop, privileged, available(host));
    json!({
        "user": { "uid": 0, "gid": 0 },
        "args": args,
        "env": env,
        "cwd": working_directory(&effective.config),
        "capabilities": {
            "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
        },
    })
}

/// What the kernel knows and this process may give away.
fn available(host: &Host) -> u64 {
    static OWN: LazyLock<u64> =
        LazyLock::new(|| capability::bounding(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()));
    let known = 1_u64
        .checked_shl(host.last_capability + 1)
        .map_or(u64::MAX, |bit| bit - 1);
    *OWN & known
}

/// `PATH` where nobody sets one.
pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn environment(config: &ContainerConfig) -> Vec<String> {
    let mut env = vec![format!("PATH={DEFAULT_PATH}")];
    if !config.hostname.is_empty() {
        let dot = if config.domainname.is_empty() { "" } else { "." };
        env.push(format!("HOSTNAME={}{dot}{}", config.hostname, config.domainname));
    }
    if config.tty {
        env.push("TERM=xterm".to_owned());
    }
    for variable in &config.env {
        replace(&mut env, variable);
    }
    env
}

pub(super) fn replace(env: &mut Vec<String>, variable: &str) {
    let (name, given) = variable
        .split_once('=')
        .map_or((variable, false), |(name, _)| (name, true));
    let same = |other: &String| other.split_once('=').is_some_and(|(other, _)| other == name);
    match env.iter().position(same) {
        Some(at) if given => variable.clone_into(&mut env[at]),
        Some(at) => drop(env.remove(at)),
        None if given => env.push(variable.to_owned()),
        None => {}
    }
}

pub(super) fn set_default(env: &mut Vec<String>, name: &str, value: &str) {
    let prefix = format!("{name}=");
    if !env.iter().any(|variable| variable.starts_with(&prefix)) {
        env.push(format!("{prefix}{value}"));
    }
}

pub(super) fn no_new_privileges(host: &HostConfig, settings: &Config) -> bool {
    let given = host
        .security_opt
        .iter()
        .rev()
        .find_map(|option| option.strip_prefix("no-new-privileges"));
    match given {
        Some(rest) => rest.trim_start_matches(['=', ':']) != "false",
        None => settings.no_new_privileges,
    }
}

pub(super) fn rlimits(host: &HostConfig, settings: &Config) -> Value {
    let number = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    let mut limits: Vec<(&str, u64, u64)> = host
        .ulimits
        .iter()
        .map(|limit| (limit.name.as_str(), number(limit.soft), number(limit.hard)))
        .collect();
    for (name, (soft, hard)) in &settings.ulimits {
        if !limits.iter().any(|(other, ..)| other == name) {
            limits.push((name, number(*soft), number(*hard)));
        }
    }
    let entry = |(name, soft, hard): (&str, u64, u64)| json!({ "type": format!("RLIMIT_{}", name.to_ascii_uppercase()), "soft": soft, "hard": hard });
    limits.into_iter().map(entry).collect()
}
