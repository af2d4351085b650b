//! What an engine must be told when it is opened. Everything else it finds on disk.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// The settings of one engine. Two engines with different `data`, `run`, `bridge` and `cgroup_parent`
/// run side by side.
#[derive(Debug, Clone)]
pub struct Config {
    /// What must survive a reboot; `/var/lib/corten`.
    pub data: PathBuf,
    /// What must not; `/run/corten`.
    pub run: PathBuf,
    /// The default network's bridge.
    pub bridge: BridgeConfig,
    /// The group below which every container gets its own, without slashes at the ends.
    pub cgroup_parent: String,
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
    /// Nameservers for containers that do not say; empty: the host's.
    pub dns: Vec<IpAddr>,
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

/// The default network.
#[derive(Debug, Clone)]
pub struct BridgeConfig {
    /// The link's name: `corten0`, or `docker0` under Docker's name; `none` disables the network.
    pub name: String,
    /// Its address and prefix length in bits (`bip`); `None`: from the first free default pool.
    pub address: Option<(IpAddr, u8)>,
    /// Pools to take networks from: base, its prefix length, and the prefix length of each network.
    pub pools: Vec<(IpAddr, u8, u8)>,
    /// The link's MTU in bytes; zero: the kernel's default.
    pub mtu: u32,
    /// Containers on the bridge may reach each other.
    pub icc: bool,
    /// Host address that ports are published on when none is given.
    pub default_host_address: Option<IpAddr>,
    /// Turn `net.ipv4.ip_forward` on when it is off.
    pub ip_forward: bool,
    /// Manage the firewall at all.
    pub firewall: bool,
}

impl Config {
    /// Corten's defaults; the caller fills in where its programs are.
    #[must_use]
    pub fn corten() -> Self {
        Self {
            data: "/var/lib/corten".into(),
            run: "/run/corten".into(),
            bridge: BridgeConfig::named("corten0"),
            cgroup_parent: "corten".into(),
            shim: "corten-shim".into(),
            init: "corten-init".into(),
            init_name: "corten-init".into(),
            default_init: false,
            live_restore: true,
            log_driver: "json-file".into(),
            log_options: BTreeMap::new(),
            stop_timeout_seconds: 10,
            shm_size_bytes: 64 * 1024 * 1024,
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
            bridge: BridgeConfig::named("docker0"),
            cgroup_parent: "docker".into(),
            init_name: "docker-init".into(),
            live_restore: false,
            ..Self::corten()
        }
    }
}

impl BridgeConfig {
    fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            address: None,
            pools: Vec::new(),
            mtu: 0,
            icc: true,
            default_host_address: None,
            ip_forward: true,
            firewall: true,
        }
    }
}
