//! The one place where defaults apply: what was asked for, the image's configuration and the engine's
//! settings give what holds. Read each time a record is loaded, never stored (pure).

use corten_api::container::{ContainerConfig, HealthConfig, HostConfig, LogConfig};
use corten_api::{Empty, List, Map, StringList};
use corten_runtime::host::Host;
use corten_runtime::plan::Layout;

use super::record::Record;
use super::restart::RestartPolicy;
use crate::Config;

/// What holds for one container.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The portable part.
    pub config: ContainerConfig,
    /// The host's part.
    pub host: HostConfig,
    /// When it starts again.
    pub policy: RestartPolicy,
    /// Where its network is.
    pub network: NetworkMode,
}

/// Where a container's network is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkMode {
    /// The default bridge.
    Bridge,
    /// The host's.
    Host,
    /// A namespace with a loopback link alone.
    None,
    /// Another container's, by reference.
    Container(String),
    /// A user-defined network, by name.
    Named(String),
}

impl NetworkMode {
    /// From `HostConfig.NetworkMode`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "" | "default" | "bridge" => Self::Bridge,
            "host" => Self::Host,
            "none" => Self::None,
            other => match other.strip_prefix("container:") {
                Some(reference) => Self::Container(reference.to_owned()),
                None => Self::Named(other.to_owned()),
            },
        }
    }
}

/// Paths hidden from containers unless they say otherwise (observed: dockerd 28.5).
pub const MASKED_PATHS: &[&str] = &[
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// Paths that are read-only in containers unless they say otherwise (observed: dockerd 28.5).
pub const READONLY_PATHS: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What holds for the container of `record`.
#[must_use]
pub fn effective(record: &Record, settings: &Config, host: &Host) -> Effective {
    let mut config = record.body.config.clone();
    inherit(&mut config, &record.image_config);
    let mut host_config = record.body.host_config.clone().unwrap_or_default();
    let network = NetworkMode::parse(&host_config.network_mode);
    if network == NetworkMode::Bridge {
        "bridge".clone_into(&mut host_config.network_mode);
    }
    if config.hostname.is_empty() {
        if network == NetworkMode::Host {
            config.hostname.clone_from(&host.name);
        } else {
            record.id.short().clone_into(&mut config.hostname);
        }
    }
    fill_host(&mut host_config, settings, host);
    let policy = policy(&host_config);
    Effective {
        config,
        host: host_config,
        policy,
        network,
    }
}

/// The restart policy that a validated configuration names.
#[must_use]
pub fn policy(host: &HostConfig) -> RestartPolicy {
    match host.restart_policy.name.as_str() {
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => {
            let maximum = u32::try_from(host.restart_policy.maximum_retry_count).unwrap_or(0);
            RestartPolicy::OnFailure { maximum }
        }
        _ => RestartPolicy::No,
    }
}

/// What a container takes from its image where it says nothing itself.
pub fn inherit(config: &mut ContainerConfig, image: &corten_image::Config) {
    if config.user.is_empty() {
        config.user.clone_from(&image.user);
    }
    if config.working_dir.is_empty() {
        config.working_dir.clone_from(&image.working_dir);
    }
    inherit_command(config, image);
    inherit_environment(config, &image.env);
    for port in &image.exposed_ports {
        config.exposed_ports.entry(port.clone()).or_insert(Empty {});
    }
    for path in &image.volumes {
        config.volumes.entry(path.clone()).or_insert(Empty {});
    }
    if config.volumes.is_empty() {
        config.volumes = Map::null();
    }
    let mut labels = config.labels.clone();
    for (key, value) in &image.labels {
        labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if labels.is_null() {
        labels = corten_api::Map::empty();
    }
    config.labels = labels;
    if config.stop_signal.is_empty() {
        config.stop_signal.clone_from(&image.stop_signal);
    }
    config.stop_timeout = config.stop_timeout.or(image.stop_timeout);
    if config.shell.is_empty() && !image.shell.is_empty() {
        config.shell = image.shell.clone().into();
    }
    if let Some(image) = &image.healthcheck {
        inherit_health(config.healthcheck.get_or_insert_default(), &health(image));
    }
}

fn inherit_command(config: &mut ContainerConfig, image: &corten_image::Config) {
    if config.entrypoint.is_empty() {
        if config.cmd.is_empty() {
            config.cmd = words(image.cmd.as_deref());
        }
        if config.entrypoint.is_null() {
            config.entrypoint = words(image.entrypoint.as_deref());
        }
    }
    if config.entrypoint.len() == 1 && config.entrypoint.first().is_some_and(String::is_empty) {
        config.entrypoint = StringList::default();
    }
}

fn words(words: Option<&[String]>) -> StringList {
    words.map_or_else(StringList::default, |words| words.to_vec().into())
}

/// The user's variables first, then those of the image that the user does not set (a bare `NAME` unsets).
fn inherit_environment(config: &mut ContainerConfig, image: &[String]) {
    fn name(variable: &str) -> &str {
        variable.split_once('=').map_or(variable, |(name, _)| name)
    }
    let mut env: Vec<String> = config.env.iter().cloned().collect();
    for variable in image {
        if !config.env.iter().any(|own| name(own) == name(variable)) {
            env.push(variable.clone());
        }
    }
    // Without any variable Docker tells of none at all.
    config.env = if env.is_empty() { List::null() } else { List::from(env) };
}

/// Each part that is not said is the image's.
fn inherit_health(own: &mut HealthConfig, image: &HealthConfig) {
    if own.test.is_empty() {
        own.test.clone_from(&image.test);
    }
    let inherit = |own: &mut i64, image: i64| {
        if *own == 0 {
            *own = image;
        }
    };
    inherit(&mut own.interval, image.interval);
    inherit(&mut own.timeout, image.timeout);
    inherit(&mut own.start_period, image.start_period);
    inherit(&mut own.start_interval, image.start_interval);
    inherit(&mut own.retries, image.retries);
}

fn health(image: &corten_image::Healthcheck) -> HealthConfig {
    HealthConfig {
        test: image.test.clone().into(),
        interval: image.interval,
        timeout: image.timeout,
        start_period: image.start_period,
        start_interval: image.start_interval,
        retries: image.retries,
    }
}

/// The cgroup namespace of containers that do not say.
pub(crate) fn cgroupns_mode<'a>(settings: &'a Config, host: &Host) -> &'a str {
    let usual = if host.layout == Layout::V1 { "host" } else { "private" };
    settings.cgroupns_mode.as_deref().unwrap_or(usual)
}

/// The daemon's log options hold for containers with its driver, and those of the cache for all; what the
/// container says itself counts (observed: dockerd 28.5).
pub(super) fn fill_log(log: &mut LogConfig, settings: &Config) {
    if log.kind.is_empty() {
        log.kind.clone_from(&settings.log_driver);
    }
    let is_default = log.kind == settings.log_driver;
    let mut options = std::mem::take(&mut log.config).into_entries();
    for (key, value) in &settings.log_options {
        if is_default || (key.starts_with("cache-") && log.kind != "none") {
            options.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    log.config = options.into_iter().collect();
}

/// What the daemon's settings of today decide once and for all: a container keeps them when the settings change.
pub(super) fn settle_modes(config: &mut HostConfig, settings: &Config, host: &Host) {
    fill(&mut config.ipc_mode, &settings.ipc_mode);
    // With cgroup v1 who may do everything sees the host's groups, whatever the daemon's default is.
    let mode = if config.privileged && host.layout == Layout::V1 {
        "host"
    } else {
        cgroupns_mode(settings, host)
    };
    fill(&mut config.cgroupns_mode, mode);
}

fn fill(field: &mut String, default: &str) {
    if field.is_empty() {
        default.clone_into(field);
    }
}

fn fill_host(config: &mut HostConfig, settings: &Config, host: &Host) {
    settle_modes(config, settings, host);
    fill(&mut config.runtime, "runc");
    fill(&mut config.restart_policy.name, "no");
    fill_log(&mut config.log_config, settings);
    if config.shm_size == 0 {
        config.shm_size = i64::try_from(settings.shm_size_bytes).unwrap_or(i64::MAX);
    }
    // Version 2 of control groups cannot do without the killer (observed: dockerd 28.5).
    config.oom_kill_disable = (host.layout == Layout::V1).then(|| config.oom_kill_disable.unwrap_or(false));
    disable_labels(config);
    if config.memory > 0 && config.memory_swap == 0 {
        config.memory_swap = config.memory.saturating_mul(2);
    }
    if config.init.is_none() && settings.default_init {
        config.init = Some(true);
    }
    fill_paths(config);
}

/// Docker's word for containers that share the host's processes or ipc, or may do everything: they have no label.
fn disable_labels(config: &mut HostConfig) {
    let shares = config.privileged || config.ipc_mode == "host" || config.pid_mode == "host";
    let says = |option: &String| option.split(['=', ':']).next() == Some("label");
    if shares && !config.security_opt.iter().any(says) {
        config.security_opt.push("label=disable".to_owned());
    }
}

fn fill_paths(config: &mut HostConfig) {
    let unconfined = config.privileged
        || config
            .security_opt
            .iter()
            .any(|option| option == "systempaths=unconfined");
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<List<_>>();
    if unconfined {
        return;
    }
    if config.masked_paths.is_null() {
        config.masked_paths = owned(MASKED_PATHS);
    }
    if config.readonly_paths.is_null() {
        config.readonly_paths = owned(READONLY_PATHS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(own: ContainerConfig, image: &corten_image::Config) -> ContainerConfig {
        let mut config = own;
        inherit(&mut config, image);
        config
    }

    fn list(words: &[&str]) -> StringList {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn commands() {
        let strings = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let image = corten_image::Config {
            cmd: strings(&["c"]),
            entrypoint: strings(&["e"]),
            ..corten_image::Config::default()
        };
        let table = [
            (StringList::default(), StringList::default(), list(&["e"]), list(&["c"])),
            (StringList::default(), list(&["x"]), list(&["e"]), list(&["x"])),
            (list(&["y"]), StringList::default(), list(&["y"]), StringList::default()),
            (list(&["y"]), list(&["x"]), list(&["y"]), list(&["x"])),
            (list(&[""]), list(&["x"]), StringList::default(), list(&["x"])),
            (
                list(&[""]),
                StringList::default(),
                StringList::default(),
                StringList::default(),
            ),
        ];
        for (entrypoint, cmd, entrypoint_after, cmd_after) in table {
            let config = merged(
                ContainerConfig {
                    entrypoint,
                    cmd,
                    ..ContainerConfig::default()
                },
                &image,
            );
            assert_eq!(
                (&*config.entrypoint.0, &*config.cmd.0),
                (&*entrypoint_after.0, &*cmd_after.0)
            );
        }
    }

    #[test]
    fn environment() {
        let image = corten_image::Config {
            env: vec!["A=1".into(), "B=2".into()],
            ..corten_image::Config::default()
        };
        let own = ContainerConfig {
            env: vec!["B=3".to_owned(), "C".to_owned()].into(),
            ..ContainerConfig::default()
        };
        assert_eq!(*merged(own, &image).env, ["B=3", "C", "A=1"]);
    }

    #[test]
    fn modes() {
        assert_eq!(NetworkMode::parse("default"), NetworkMode::Bridge);
        assert_eq!(NetworkMode::parse("container:x"), NetworkMode::Container("x".into()));
        assert_eq!(NetworkMode::parse("mine"), NetworkMode::Named("mine".into()));
    }
}
