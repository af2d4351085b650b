//! What a creation is refused for, in Docker's words (pure). What Docker knows and this engine has not
//! built is refused by name: an option is never ignored.

mod networks;

use corten_api::container::{ContainerConfig, HostConfig, NetworkingConfig, Ulimit};

use super::effective::NetworkMode;
use super::{ports, signal};
use crate::error::{Error, Result};

/// Docker's words for a parent that is no slice, where systemd makes the control groups.
pub(crate) const NO_SLICE: &str = "cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\"";

/// Whether Docker takes a name for that of a slice.
pub(crate) fn is_slice(name: &str) -> bool {
    name.len() > ".slice".len() && name.ends_with(".slice")
}

/// Facts about the host that limits are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Processors.
    pub processors: i64,
    /// The kernel shares real-time run time out among control groups (v1 alone can).
    pub real_time: bool,
}

/// Checks everything that does not need an image.
pub fn check(
    config: &ContainerConfig,
    host: &HostConfig,
    networking: Option<&NetworkingConfig>,
    limits: Limits,
) -> Result<()> {
    check_config(config)?;
    refuse_unbuilt(host, networking)?;
    check_limits(host, limits, false)?;
    check_modes(config, host)?;
    networks::check_links(host)?;
    check_security(host)?;
    check_sysctls(host)?;
    if host.annotations.contains_key("") {
        return Err(Error::invalid(
            "invalid Annotations: the empty string is not permitted as an annotation key",
        ));
    }
    if host.shm_size < 0 {
        return Err(Error::invalid("SHM size can not be less than 0"));
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        let value = host.oom_score_adj;
        return Err(Error::invalid(format!(
            "Invalid value {value}, range for oom score adj is [-1000, 1000]"
        )));
    }
    ports::requests(config, host).map(drop)
}

/// Checks limits and restart policy; an `update` may say less than a creation.
pub(super) fn check_limits(host: &HostConfig, limits: Limits, update: bool) -> Result<()> {
    check_restart(host)?;
    check_memory(host, update)?;
    check_processor(host, limits)?;
    // An update only records them, as in Docker.
    if update { Ok(()) } else { check_real_time(host, limits) }
}

/// The command line that results from merging with the image.
pub fn check_command(config: &ContainerConfig) -> Result<()> {
    if config.entrypoint.is_empty() && config.cmd.is_empty() {
        return Err(Error::invalid("no command specified"));
    }
    Ok(())
}

fn check_config(config: &ContainerConfig) -> Result<()> {
    if !config.working_dir.is_empty() && !config.working_dir.starts_with('/') {
        let directory = &config.working_dir;
        return Err(Error::invalid(format!(
            "the working directory '{directory}' is invalid, it needs to be an absolute path"
        )));
    }
    for variable in &config.env {
        if variable.is_empty() || variable.starts_with('=') {
            return Err(Error::invalid(format!("invalid environment variable: {variable}")));
        }
        refuse_nul("environment variable", variable)?;
    }
    for word in config.entrypoint.iter().chain(config.cmd.iter()) {
        refuse_nul("command", word)?;
    }
    if !config.stop_signal.is_empty() {
        signal::parse(&config.stop_signal)?;
    }
    for name in [&config.hostname, &config.domainname] {
        if name.len() > 64 || name.contains(['\0', '\n', '/']) {
            return Err(Error::invalid(format!("invalid hostname format: {name}")));
        }
    }
    if let Some(health) = &config.healthcheck {
        crate::health::check(health)?;
    }
    for port in config.exposed_ports.keys() {
        ports::parse(port)?;
    }
    Ok(())
}

/// What a container in a user namespace cannot have, in Docker's words.
pub(super) fn check_identity(host: &HostConfig) -> Result<()> {
    let refuse = |message: &str| Err(Error::invalid(message));
    if host.privileged {
        return refuse(
            "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
        );
    }
    if NetworkMode::parse(&host.network_mode) == NetworkMode::Host {
        return refuse("cannot share the host's network namespace when user namespaces are enabled");
    }
    if host.pid_mode == "host" {
        return refuse("cannot share the host PID namespace when user namespaces are enabled");
    }
    Ok(())
}

fn refuse_nul(what: &str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::invalid(format!("invalid {what}: it contains a nul byte")));
    }
    Ok(())
}

fn unbuilt(option: &str) -> Error {
    Error::not_implemented(format!("{option} is not supported by this version of Corten"))
}

/// What Docker's engine refuses on a Linux host without quotas, in its words. It takes `CpuCount` and `CpuPercent`, which
/// are for Windows alone, and does nothing about them.
fn refuse_foreign(host: &HostConfig) -> Result<()> {
    let quality = [(host.io_maximum_bandwidth, "bandwidth"), (host.io_maximum_iops, "IOPs")];
    if let Some((_, what)) = quality.iter().find(|(given, _)| *given != 0) {
        return Err(Error::invalid(format!(
            "invalid option: QoS maximum {what} configuration is not supported on linux"
        )));
    }
    if !matches!(host.isolation.to_lowercase().as_str(), "" | "default") {
        return Err(Error::invalid(format!(
            "invalid isolation ({}): linux only supports 'default'",
            host.isolation
        )));
    }
    match host
        .storage_opt
        .keys()
        .find(|option| !option.eq_ignore_ascii_case("size"))
    {
        _ if host.storage_opt.is_empty() => Ok(()),
        Some(option) => Err(Error::internal(format!("Unknown option {option}"))),
        None => Err(Error::invalid(
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
        )),
    }
}

fn refuse_unbuilt(host: &HostConfig, networking: Option<&NetworkingConfig>) -> Result<()> {
    refuse_foreign(host)?;
    let table = [
        (!host.cgroup.is_empty(), "Cgroup"),
        (host.kernel_memory_tcp != 0, "KernelMemoryTCP"),
    ];
    if let Some((_, option)) = table.iter().find(|(given, _)| *given) {
        return Err(unbuilt(option));
    }
    if !matches!(host.runtime.as_str(), "" | "runc" | "corten" | "io.containerd.runc.v2") {
        return Err(Error::invalid(format!(
            "unknown or invalid runtime name: {}",
            host.runtime
        )));
    }
    if let Some(networking) = networking {
        let names = networking.endpoints_config.keys().map(String::as_str);
        networks::refuse_mixture(&host.network_mode, names)?;
    }
    networks::refuse_networks(networking)
}

fn check_restart(host: &HostConfig) -> Result<()> {
    let policy = &host.restart_policy;
    let retries = policy.maximum_retry_count;
    match policy.name.as_str() {
        "" | "no" | "always" | "unless-stopped" if retries != 0 => {
            let negative = if retries < 0 { " and cannot be negative" } else { "" };
            let message =
                format!("invalid restart policy: maximum retry count can only be used with 'on-failure'{negative}");
            Err(Error::invalid(message))
        }
        "" | "no" => Ok(()),
        "on-failure" if retries < 0 => Err(Error::invalid(
            "invalid restart policy: maximum retry count cannot be negative",
        )),
        "always" | "unless-stopped" | "on-failure" if host.auto_remove => Err(Error::invalid(
            "can't create 'AutoRemove' container with restart policy",
        )),
        "always" | "unless-stopped" | "on-failure" => Ok(()),
        other => Err(Error::invalid(format!(
            "invalid restart policy: unknown policy '{other}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        ))),
    }
}

/// The least memory a container can be limited to, in bytes.
const MEMORY_MINIMUM: i64 = 6 * 1024 * 1024;

fn check_memory(host: &HostConfig, update: bool) -> Result<()> {
    let (memory, swap) = (host.memory, host.memory_swap);
    let refuse = |message: &str| Err(Error::invalid(message));
    if memory != 0 && memory < MEMORY_MINIMUM {
        return refuse("Minimum memory limit allowed is 6MB");
    }
    if memory > 0 && swap > 0 && swap < memory {
        return refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if memory == 0 && swap > 0 && !update {
        return refuse("You should always set the Memory limit when using Memoryswap limit, see usage");
    }
    if let Some(swappiness) = host.memory_swappiness.filter(|value| !(-1..=100).contains(value)) {
        return Err(Error::invalid(format!(
            "Invalid value: {swappiness}, valid memory swappiness range is 0-100"
        )));
    }
    if host.memory_reservation != 0 && host.memory_reservation < MEMORY_MINIMUM {
        return refuse("Minimum memory reservation allowed is 6MB");
    }
    if memory > 0 && host.memory_reservation > memory {
        return refuse("Minimum memory limit can not be less than memory reservation limit, see usage");
    }
    Ok(())
}

fn check_processor(host: &HostConfig, limits: Limits) -> Result<()> {
    if host.nano_cpus != 0 && host.cpu_period > 0 {
        return Err(Error::invalid(
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
        ));
    }
    if host.nano_cpus != 0 && host.cpu_quota > 0 {
        return Err(Error::invalid(
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
        ));
    }
    let processors = limits.processors;
    if host.nano_cpus < 0 || host.nano_cpus > processors.saturating_mul(1_000_000_000) {
        return Err(Error::invalid(format!(
            "range of CPUs is from 0.01 to {processors}.00, as there are only {processors} CPUs available"
        )));
    }
    if host.cpu_shares < 0 {
        return Err(Error::invalid(format!(
            "invalid CPU shares ({}): value must be a positive integer",
            host.cpu_shares
        )));
    }
    if host.cpu_period != 0 && !(1000..=1_000_000).contains(&host.cpu_period) {
        return Err(Error::invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ));
    }
    if host.cpu_quota > 0 && host.cpu_quota < 1000 {
        return Err(Error::invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)"));
    }
    Ok(())
}

fn check_real_time(host: &HostConfig, limits: Limits) -> Result<()> {
    let (period, runtime) = (host.cpu_realtime_period, host.cpu_realtime_runtime);
    if (period != 0 || runtime != 0) && !limits.real_time {
        return Err(Error::invalid("kernel does not support CPU real-time scheduler"));
    }
    if period != 0 && runtime > period {
        return Err(Error::invalid(
            "cpu real-time runtime cannot be higher than cpu real-time period",
        ));
    }
    Ok(())
}

fn check_modes(config: &ContainerConfig, host: &HostConfig) -> Result<()> {
    let network = NetworkMode::parse(&host.network_mode);
    if matches!(network, NetworkMode::Container(_)) {
        if !config.hostname.is_empty() {
            return Err(Error::invalid("conflicting options: hostname and the network mode"));
        }
        if !host.dns.is_empty() {
            return Err(Error::invalid("conflicting options: dns and the network mode"));
        }
        if !host.extra_hosts.is_empty() {
            return Err(Error::invalid(
                "conflicting options: custom host-to-IP mapping and the network mode",
            ));
        }
        if !host.port_bindings.is_empty() || host.publish_all_ports {
            return Err(Error::invalid(
                "conflicting options: port publishing and the container type network mode",
            ));
        }
        if !config.exposed_ports.is_empty() {
            return Err(Error::invalid(
                "conflicting options: port exposing and the container type network mode",
            ));
        }
    }
    if host.uts_mode == "host" && !config.hostname.is_empty() {
        return Err(Error::invalid("conflicting options: hostname and the UTS mode"));
    }
    let table = [
        ("IPC", &host.ipc_mode, &["", "private", "shareable", "host", "none"][..]),
        ("PID", &host.pid_mode, &["", "host"][..]),
        ("UTS", &host.uts_mode, &["", "host"][..]),
        ("user namespace", &host.userns_mode, &["", "host", "auto"][..]),
        ("cgroup namespace", &host.cgroupns_mode, &["", "private", "host"][..]),
    ];
    for (what, mode, known) in table {
        let joins = matches!(what, "IPC" | "PID") && mode.starts_with("container:");
        if !joins && !known.contains(&mode.as_str()) {
            return Err(Error::invalid(format!("invalid {what} mode: {mode}")));
        }
    }
    for entry in &host.extra_hosts {
        if entry
            .split_once([':', '='])
            .is_none_or(|(name, address)| name.is_empty() || address.is_empty())
        {
            return Err(Error::invalid(format!("bad format for add-host: \"{entry}\"")));
        }
    }
    Ok(())
}

/// Those of one interface belong to its endpoint.
fn check_sysctls(host: &HostConfig) -> Result<()> {
    let of_interface = |key: &str| {
        let parts: Vec<&str> = key.split('.').collect();
        parts.len() > 4 && parts.first() == Some(&"net") && parts.get(3).is_some_and(|part| part.starts_with("eth"))
    };
    match host.sysctls.keys().find(|key| of_interface(key)) {
        Some(key) => Err(Error::internal(format!(
            "interface specific sysctl setting \"{key}\" must be supplied using driver option 'com.docker.network.endpoint.sysctls'"
        ))),
        None => Ok(()),
    }
}

fn check_security(host: &HostConfig) -> Result<()> {
    for option in host.security_opt.iter().filter(|option| *option != "writable-cgroups") {
        let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        match (key, value) {
            ("no-new-privileges", "" | "true" | "false")
            | ("seccomp", _)
            | ("systempaths" | "apparmor", "unconfined")
            | ("writable-cgroups", "true" | "false")
            | ("label", "disable") => {}
            _ if !option.contains(['=', ':']) => {
                return Err(Error::internal(format!("invalid --security-opt 1: \"{option}\"")));
            }
            ("apparmor" | "label", _) => {
                return Err(unbuilt(&format!("SecurityOpt {option}")));
            }
            _ => return Err(Error::internal(format!("invalid --security-opt 2: \"{option}\""))),
        }
    }
    for (list, capabilities) in [("CapAdd", &host.cap_add), ("CapDrop", &host.cap_drop)] {
        for capability in capabilities.iter() {
            if super::capability::canonical(capability).is_none() {
                let name = capability.to_uppercase();
                let name = name.strip_prefix("CAP_").unwrap_or(&name);
                return Err(Error::invalid(format!(
                    "invalid {list}: unknown capability: \"CAP_{name}\""
                )));
            }
        }
    }
    for limit in &host.ulimits {
        if limit.hard != -1 && (limit.soft > limit.hard || limit.soft == -1) {
            let (soft, hard) = (limit.soft, limit.hard);
            return Err(Error::invalid(format!(
                "ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
            )));
        }
        if !Ulimit::NAMES.contains(&limit.name.as_str()) {
            return Err(Error::invalid(format!("invalid ulimit type: {}", limit.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        processors: 2,
        real_time: false,
    };

    #[test]
    fn real_time_needs_a_kernel_that_can() {
        let asked = |real_time, period, runtime| {
            let host = HostConfig {
                cpu_realtime_period: period,
                cpu_realtime_runtime: runtime,
                ..HostConfig::default()
            };
            let limits = Limits { real_time, ..LIMITS };
            check(&ContainerConfig::default(), &host, None, limits).map_err(|error| error.message)
        };
        assert_eq!(asked(true, 1000, 500), Ok(()));
        assert_eq!(asked(true, 0, 500), Ok(()));
        let higher = "cpu real-time runtime cannot be higher than cpu real-time period";
        assert_eq!(asked(true, 1000, 1001), Err(higher.to_owned()));
        let cannot = "kernel does not support CPU real-time scheduler";
        assert_eq!(asked(false, 1000, 0), Err(cannot.to_owned()));
        assert_eq!(asked(false, 0, 500), Err(cannot.to_owned()));
    }

    #[test]
    fn options_that_need_another_host() {
        let said = |change: fn(&mut HostConfig)| refused(|_, host| change(host));
        assert_eq!(
            said(|host| host.isolation = "hyperv".to_owned()),
            "invalid isolation (hyperv): linux only supports 'default'"
        );
        assert_eq!(
            said(|host| host.storage_opt = [("foo".to_owned(), "1".to_owned())].into_iter().collect()),
            "Unknown option foo"
        );
        assert_eq!(
            said(|host| host.storage_opt = [("size".to_owned(), "1g".to_owned())].into_iter().collect()),
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
        );
        assert_eq!(
            said(|host| host.network_mode = "container:".to_owned()),
            "invalid network mode: invalid container format container:<name|id>"
        );
    }

    fn refused(change: impl FnOnce(&mut ContainerConfig, &mut HostConfig)) -> String {
        let (mut config, mut host) = (ContainerConfig::default(), HostConfig::default());
        change(&mut config, &mut host);
        check(&config, &host, None, LIMITS).expect_err("refused").message
    }

    #[test]
    fn defaults_pass() {
        let (config, host) = (ContainerConfig::default(), HostConfig::default());
        assert_eq!(check(&config, &host, None, LIMITS), Ok(()));
    }

    #[test]
    fn texts() {
        assert_eq!(
            refused(|_, host| host.memory = 1),
            "Minimum memory limit allowed is 6MB"
        );
        assert_eq!(
            refused(|_, host| host.nano_cpus = 3_000_000_000),
            "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"
        );
        assert_eq!(
            refused(|config, _| config.working_dir = "x".into()),
            "the working directory 'x' is invalid, it needs to be an absolute path"
        );
        assert_eq!(
            refused(|_, host| {
                host.auto_remove = true;
                host.restart_policy.name = "always".into();
            }),
            "can't create 'AutoRemove' container with restart policy"
        );
        assert_eq!(
            refused(|_, host| host.cap_add = vec!["BOGUS".to_owned()].into()),
            "invalid CapAdd: unknown capability: \"CAP_BOGUS\""
        );
        assert_eq!(
            refused(|config, _| config.env = vec!["=a".to_owned()].into()),
            "invalid environment variable: =a"
        );
        assert_eq!(refused(|_, host| host.pid_mode = "x".into()), "invalid PID mode: x");
    }
}
