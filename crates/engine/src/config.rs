//! What an engine must be told when it is opened. Everything else it finds on disk.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use corten_net::Means;
use corten_net::sandbox::BridgeNetworkConfig;

/// Who makes the control groups of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupDriver {
    /// The engine, by making directories.
    Cgroupfs,
    /// systemd, as scopes.
    Systemd,
}

impl CgroupDriver {
    /// As `info` and `native.cgroupdriver` have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cgroupfs => "cgroupfs",
            Self::Systemd => "systemd",
        }
    }
}

/// The settings of one engine. Two engines with different `data`, `run`, `bridge` and `cgroup_parent`
/// run side by side.
#[derive(Debug, Clone)]
pub struct Config {
    /// What must survive a reboot; `/var/lib/corten`.
    pub data: PathBuf,
    /// What must not; `/run/corten`.
    pub run: PathBuf,
    /// The default network; `None`: there is none (Docker's `bridge=none`).
    pub bridge: Option<BridgeNetworkConfig>,
    /// What all networks may use, where there is no default network too.
    pub means: Means,
    /// Options of networks whose creators do not say otherwise, by driver (Docker's `default-network-opts`).
    pub network_options: BTreeMap<String, BTreeMap<String, String>>,
    /// Whose subordinate ids containers run with (`--userns-remap`); empty: the host's own.
    pub userns_remap: String,
    /// Who makes control groups; `None`: systemd where it is the first process and the hierarchy is v2 (as Docker).
    pub cgroup_driver: Option<CgroupDriver>,
    /// The slice below which systemd makes every container's scope.
    pub slice: String,
    /// The group below which every container gets its own, without slashes at the ends.
    pub cgroup_parent: String,
    /// The group is somebody else's (the service manager's): it is not removed when it is empty.
    pub cgroup_parent_is_given: bool,
    /// The `corten-shim` program.
    pub shim: PathBuf,
    /// The program that `--init` makes a container's first process.
    pub init: PathBuf,
    /// The name that `info` gives to `init`.
    pub init_name: String,
    /// Run `init` in containers that do not say.
    pub default_init: bool,
    /// Containers keep running when the daemon ends; otherwise they are stopped when it starts again.
    pub live_restore: bool,
    /// The log driver of containers that do not say.
    pub log_driver: String,
    /// Its options.
    pub log_options: BTreeMap<String, String>,
    /// Seconds between the stop signal and SIGKILL for containers that do not say.
    pub stop_timeout_seconds: i64,
    /// Bytes of `/dev/shm` for containers that do not say.
    pub shm_size_bytes: u64,
    /// The IPC namespace of containers that do not say: `private` or `shareable`.
    pub ipc_mode: String,
    /// Their cgroup namespace, `host` or `private`; none: `host` with cgroup v1, `private` with v2.
    pub cgroupns_mode: Option<String>,
    /// What `host-gateway` in `--add-host` means; empty: the default bridge's own address.
    pub host_gateways: Vec<IpAddr>,
    /// Directories of CDI specifications, the later over the earlier; none: vendors' devices are switched off.
    pub cdi_directories: Option<Vec<PathBuf>>,
    /// Nameservers for containers that do not say; empty: the host's.
    pub dns: Vec<String>,
    /// Resolver options for containers that do not say.
    pub dns_options: Vec<String>,
    /// Search domains for containers that do not say.
    pub dns_search: Vec<String>,
    /// Resource limits for containers that do not say: name to (soft, hard).
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// Labels of the engine itself.
    pub labels: Vec<String>,
    /// A profile instead of the built-in one: the JSON text, or `unconfined`.
    pub seccomp_profile: Option<String>,
    /// Containers cannot gain privileges unless they say otherwise.
    pub no_new_privileges: bool,
    /// The version that `info` announces, `28.5.2+corten.0.1.0`.
    pub version: String,
}

impl Config {
    /// Whether control groups are systemd's.
    #[must_use]
    pub(crate) fn uses_systemd(&self) -> bool {
        self.cgroup_driver == Some(CgroupDriver::Systemd)
    }

    /// Corten's defaults; the caller fills in where its programs are.
    #[must_use]
    pub fn corten() -> Self {
        Self {
            data: "/var/lib/corten".into(),
            run: "/run/corten".into(),
            bridge: Some(BridgeNetworkConfig::default()),
            means: Means::default(),
            network_options: BTreeMap::new(),
            userns_remap: String::new(),
            cgroup_driver: None,
            slice: "system.slice".into(),
            cgroup_parent: "corten".into(),
            cgroup_parent_is_given: false,
            shim: "corten-shim".into(),
            init: "corten-init".into(),
            init_name: "corten-init".into(),
            default_init: false,
            live_restore: true,
            log_driver: "json-file".into(),
            log_options: BTreeMap::new(),
            stop_timeout_seconds: 10,
            shm_size_bytes: 64 * 1024 * 1024,
            ipc_mode: "private".into(),
            cgroupns_mode: None,
            host_gateways: Vec::new(),
            cdi_directories: Some(vec!["/etc/cdi".into(), "/var/run/cdi".into()]),
            dns: Vec::new(),
            dns_options: Vec::new(),
            dns_search: Vec::new(),
            ulimits: BTreeMap::new(),
            labels: Vec::new(),
            seccomp_profile: None,
            no_new_privileges: false,
            version: String::new(),
        }
    }

    /// Docker's defaults, for a daemon started as `dockerd`.
    #[must_use]
    pub fn docker() -> Self {
        Self {
            bridge: Some(BridgeNetworkConfig {
                bridge: "docker0".into(),
                or_next: true,
                ..BridgeNetworkConfig::default()
            }),
            cgroup_parent: "docker".into(),
            init_name: "docker-init".into(),
            live_restore: false,
            ..Self::corten()
        }
    }
}
