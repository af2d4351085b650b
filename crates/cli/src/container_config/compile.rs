//! The whole body.

use std::collections::BTreeMap;
use std::env;

use corten_api::container::{ContainerConfig, ContainerCreateBody, HostConfig, Mount, RestartPolicy};
use corten_api::{Empty, List, Map, StringList};

use super::{health, network, resources};
use crate::flag::Parsed;
use crate::option::device::DeviceError;
use crate::option::environment;
use crate::option::logging::{self, LoggingError};
use crate::option::mount::{self, MountError};
use crate::option::pair::{self, PairError};
use crate::option::port::{PortError, Ports};
use crate::option::restart::{self, RestartError};
use crate::option::security::{self, SecurityError};
use crate::option::volume::{self, Volume, VolumeError};
use crate::option::{address, capability};

/// The flags do not make a container; Docker's texts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Volume(#[from] VolumeError),
    #[error(transparent)]
    Mount(#[from] MountError),
    #[error(transparent)]
    Pair(#[from] PairError),
    #[error(transparent)]
    Restart(#[from] RestartError),
    #[error(transparent)]
    Logging(#[from] LoggingError),
    #[error(transparent)]
    Security(#[from] SecurityError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Health(#[from] health::HealthError),
    #[error(transparent)]
    Network(#[from] network::EndpointError),
    #[error("{0} is not a valid mac address")]
    MacAddress(String),
    #[error("invalid value: {0}. Valid memory swappiness range is 0-100")]
    Swappiness(i64),
    #[error("--{flag}: invalid {name} mode")]
    Mode { flag: &'static str, name: &'static str },
    #[error("conflicting options: cannot specify both --restart and --rm")]
    RestartAndRemove,
    #[error("cannot find the current directory: {0}")]
    Directory(std::io::Error),
    #[error("--use-api-socket is not supported yet")]
    ApiSocket,
    #[error("{0}")]
    Windows(String),
}

/// The body for the image and command in `parsed`'s arguments.
pub(crate) fn compile(parsed: &Parsed) -> Result<ContainerCreateBody, ConfigError> {
    check(parsed)?;
    let mut config = container(parsed)?;
    let mut host = host(parsed)?;
    let ports = Ports::parse(parsed.list("publish"), parsed.list("expose"))?;
    config.exposed_ports = ports.exposed;
    host.port_bindings = ports.bindings;
    mounts(parsed, &mut config, &mut host)?;
    let networks = network::compile(parsed)?;
    host.network_mode = networks.mode;
    Ok(ContainerCreateBody {
        config,
        host_config: Some(host),
        networking_config: Some(networks.config),
    })
}

/// Refuses the flags that only engines on Windows know.
pub(crate) fn refuse_foreign(parsed: &Parsed) -> Result<(), ConfigError> {
    let foreign = ["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"];
    let given: Vec<String> = foreign
        .iter()
        .filter(|flag| parsed.is_set(flag))
        .map(|flag| format!("\"--{flag}\" {WINDOWS_ONLY}"))
        .collect();
    if given.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Windows(given.join(
            "
",
        )))
    }
}

const WINDOWS_ONLY: &str =
    "is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux";

fn check(parsed: &Parsed) -> Result<(), ConfigError> {
    let mac = parsed.text_or_empty("mac-address");
    if !mac.is_empty() && !address::is_mac(&mac) {
        return Err(ConfigError::MacAddress(mac));
    }
    if let Some(value) = parsed
        .integer("memory-swappiness")
        .filter(|value| !(-1..=100).contains(value))
    {
        return Err(ConfigError::Swappiness(value));
    }
    if parsed.on("use-api-socket") {
        return Err(ConfigError::ApiSocket);
    }
    let of_container = |mode: &str| mode.strip_prefix("container:").is_some_and(|name| !name.is_empty());
    let modes: [(&'static str, &'static str, &[&str]); 4] = [
        ("pid", "PID", &["", "host"]),
        ("uts", "UTS", &["", "host"]),
        ("userns", "USER", &["", "host", "auto"]),
        ("cgroupns", "CGROUP", &["", "host", "private"]),
    ];
    for (flag, name, known) in modes {
        let mode = parsed.text_or_empty(flag);
        let joined = flag == "pid" && of_container(&mode);
        if !known.contains(&mode.as_str()) && !joined {
            return Err(ConfigError::Mode { flag, name });
        }
    }
    Ok(())
}

fn container(parsed: &Parsed) -> Result<ContainerConfig, ConfigError> {
    let attached: Vec<String> = parsed.list("attach").map(str::to_lowercase).collect();
    let wants = |stream: &str| attached.iter().any(|name| name == stream);
    let open_stdin = parsed.on("interactive");
    let attach_stdin = open_stdin || wants("stdin");
    let mut words = parsed.arguments.iter().cloned();
    let image = words.next().unwrap_or_default();
    let command: Vec<String> = words.collect();
    Ok(ContainerConfig {
        hostname: parsed.text_or_empty("hostname"),
        domainname: parsed.text_or_empty("domainname"),
        user: parsed.text_or_empty("user"),
        attach_stdin,
        attach_stdout: attached.is_empty() || wants("stdout"),
        attach_stderr: attached.is_empty() || wants("stderr"),
        tty: parsed.on("tty"),
        open_stdin,
        stdin_once: open_stdin && attach_stdin,
        env: nullable(environment::collect(
            parsed.list("env-file"),
            parsed.list("env"),
            environment::ours,
        )?),
        cmd: if command.is_empty() {
            StringList::default()
        } else {
            command.into()
        },
        healthcheck: health::compile(parsed)?,
        image,
        volumes: Map::empty(),
        working_dir: parsed.text_or_empty("workdir"),
        entrypoint: match parsed.text("entrypoint") {
            None => StringList::default(),
            Some(program) => vec![program.to_owned()].into(),
        },
        labels: labels(parsed)?,
        stop_signal: parsed.text_or_empty("stop-signal"),
        stop_timeout: parsed.integer("stop-timeout"),
        ..ContainerConfig::default()
    })
}

fn labels(parsed: &Parsed) -> Result<Map<String>, ConfigError> {
    let mut texts = Vec::new();
    for path in parsed.list("label-file") {
        texts.extend(pair::read_file(path, |_| None)?);
    }
    texts.extend(parsed.owned("label"));
    Ok(pair::map(texts.iter().map(String::as_str)))
}

fn host(parsed: &Parsed) -> Result<HostConfig, ConfigError> {
    let security = security::parse(parsed.list("security-opt"))?;
    let restart_policy = restart::parse(parsed.text("restart").unwrap_or("no"))?;
    let auto_remove = parsed.on("rm");
    if auto_remove && !is_none(&restart_policy) {
        return Err(ConfigError::RestartAndRemove);
    }
    let unconfined = || {
        if security.paths_unconfined {
            List::empty()
        } else {
            List::null()
        }
    };
    let mut host = HostConfig {
        masked_paths: unconfined(),
        readonly_paths: unconfined(),
        security_opt: security.options,
        container_id_file: parsed.text_or_empty("cidfile"),
        log_config: logging::parse(&parsed.text_or_empty("log-driver"), parsed.list("log-opt"))?,
        restart_policy,
        auto_remove,
        volume_driver: parsed.text_or_empty("volume-driver"),
        volumes_from: nullable(parsed.owned("volumes-from")),
        annotations: pair::map(parsed.list("annotation")),
        cap_add: capabilities(parsed, "cap-add"),
        cap_drop: capabilities(parsed, "cap-drop"),
        cgroupns_mode: parsed.text_or_empty("cgroupns"),
        dns: parsed.list("dns").map(|address| address.trim().to_owned()).collect(),
        dns_options: parsed
            .list("dns-option")
            .chain(parsed.list("dns-opt"))
            .map(str::to_owned)
            .collect(),
        dns_search: parsed
            .list("dns-search")
            .map(|domain| domain.trim().to_owned())
            .collect(),
        extra_hosts: nullable(parsed.list("add-host").map(address::host).collect()),
        group_add: nullable(parsed.owned("group-add")),
        ipc_mode: parsed.text_or_empty("ipc"),
        links: nullable(parsed.owned("link")),
        oom_score_adj: parsed.integer("oom-score-adj").unwrap_or(0),
        pid_mode: parsed.text_or_empty("pid"),
        privileged: parsed.on("privileged"),
        publish_all_ports: parsed.on("publish-all"),
        readonly_rootfs: parsed.on("read-only"),
        storage_opt: logging::storage(parsed.list("storage-opt"))?,
        uts_mode: parsed.text_or_empty("uts"),
        userns_mode: parsed.text_or_empty("userns"),
        shm_size: resources::bytes(parsed, "shm-size"),
        sysctls: pair::map(parsed.list("sysctl")),
        runtime: parsed.text_or_empty("runtime"),
        isolation: parsed.text_or_empty("isolation"),
        init: parsed.bool("init"),
        ..HostConfig::default()
    };
    resources::compile(parsed, &mut host)?;
    Ok(host)
}

fn is_none(policy: &RestartPolicy) -> bool {
    policy.name.is_empty() || policy.name == "no"
}

fn mounts(parsed: &Parsed, config: &mut ContainerConfig, host: &mut HostConfig) -> Result<(), ConfigError> {
    let directory = env::current_dir().map_err(ConfigError::Directory)?;
    for text in parsed.list("volume") {
        match volume::parse(text, &directory)? {
            Volume::Anonymous(target) => {
                config.volumes.insert(target, Empty {});
            }
            Volume::Bind(bind) if host.binds.contains(&bind) => {}
            Volume::Bind(bind) => host.binds.push(bind),
        }
    }
    let tmpfs = parsed
        .list("tmpfs")
        .map(|text| text.split_once(':').unwrap_or((text, "")));
    let tmpfs: BTreeMap<_, _> = tmpfs
        .map(|(path, options)| (path.to_owned(), options.to_owned()))
        .collect();
    host.tmpfs = Map::from(tmpfs);
    let mounts: Vec<Mount> = parsed.list("mount").map(mount::parse).collect::<Result<_, _>>()?;
    host.mounts = nullable(mounts);
    Ok(())
}

fn capabilities(parsed: &Parsed, flag: &str) -> StringList {
    StringList(nullable(capability::normalise(parsed.list(flag))))
}

/// Go's client sends `null` for a list option that was not given.
pub(super) fn nullable<T>(items: Vec<T>) -> List<T> {
    if items.is_empty() {
        List::null()
    } else {
        List::from(items)
    }
}
