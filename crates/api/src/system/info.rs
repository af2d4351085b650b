//! What `GET /info` answers.

use serde::{Deserialize, Serialize};

use crate::{List, Map, is_zero};

/// The engine and its host. Engine API v1.51 SystemInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SystemInfo {
    /// Id of this engine, kept across restarts.
    #[serde(rename = "ID")]
    pub id: String,
    /// All containers.
    pub containers: i64,
    /// Running ones.
    pub containers_running: i64,
    /// Paused ones.
    pub containers_paused: i64,
    /// All others.
    pub containers_stopped: i64,
    /// Images.
    pub images: i64,
    /// Storage driver.
    pub driver: String,
    /// Facts about it, each `[name, value]`.
    pub driver_status: List<(String, String)>,
    /// Plugins by kind.
    pub plugins: PluginsInfo,
    /// Whether memory can be limited.
    pub memory_limit: bool,
    /// Whether swap can be limited.
    pub swap_limit: bool,
    /// Whether kernel TCP buffers can be limited.
    #[serde(rename = "KernelMemoryTCP", skip_serializing_if = "is_zero")]
    pub kernel_memory_tcp: bool,
    /// Whether the CFS period can be set.
    pub cpu_cfs_period: bool,
    /// Whether the CFS quota can be set.
    pub cpu_cfs_quota: bool,
    /// Whether CPU shares can be set.
    #[serde(rename = "CPUShares")]
    pub cpu_shares: bool,
    /// Whether CPU sets can be set.
    #[serde(rename = "CPUSet")]
    pub cpu_set: bool,
    /// Whether the number of processes can be limited.
    pub pids_limit: bool,
    /// Whether the kernel forwards IPv4.
    #[serde(rename = "IPv4Forwarding")]
    pub ipv4_forwarding: bool,
    /// Whether debug mode is on.
    pub debug: bool,
    /// Open descriptors.
    pub n_fd: i64,
    /// Whether the OOM killer can be turned off.
    pub oom_kill_disable: bool,
    /// Tasks (goroutines in Docker).
    pub n_goroutines: i64,
    /// The clock.
    pub system_time: String,
    /// Default log driver.
    pub logging_driver: String,
    /// `cgroupfs` or `systemd`.
    pub cgroup_driver: String,
    /// `1` or `2`.
    #[serde(skip_serializing_if = "is_zero")]
    pub cgroup_version: String,
    /// Listeners of events.
    pub n_events_listener: i64,
    /// Kernel release.
    pub kernel_version: String,
    /// The host's name for its operating system.
    pub operating_system: String,
    /// Its version.
    #[serde(rename = "OSVersion")]
    pub os_version: String,
    /// `linux`.
    #[serde(rename = "OSType")]
    pub os_type: String,
    /// The kernel's name of the architecture.
    pub architecture: String,
    /// Address of the default registry's index.
    pub index_server_address: String,
    /// Registries.
    pub registry_config: RegistryConfig,
    /// Processors.
    #[serde(rename = "NCPU")]
    pub ncpu: i64,
    /// Bytes of memory.
    pub mem_total: i64,
    /// Swarm resources; null.
    pub generic_resources: List<serde_json::Value>,
    /// Data directory.
    pub docker_root_dir: String,
    /// Proxy for http.
    pub http_proxy: String,
    /// Proxy for https.
    pub https_proxy: String,
    /// Hosts without proxy.
    pub no_proxy: String,
    /// Host name.
    pub name: String,
    /// Labels of the engine.
    pub labels: List<String>,
    /// Whether experimental features are on.
    pub experimental_build: bool,
    /// Engine version.
    pub server_version: String,
    /// OCI runtimes by name.
    pub runtimes: Map<Runtime>,
    /// The default one.
    pub default_runtime: String,
    /// Swarm membership.
    pub swarm: SwarmInfo,
    /// Whether containers survive the engine.
    pub live_restore_enabled: bool,
    /// Windows only.
    pub isolation: String,
    /// The program that `--init` runs.
    pub init_binary: String,
    /// containerd in Docker.
    pub containerd_commit: Commit,
    /// The OCI runtime.
    pub runc_commit: Commit,
    /// The init program.
    pub init_commit: Commit,
    /// `name=seccomp,profile=builtin` and the like.
    pub security_options: List<String>,
    /// License.
    #[serde(skip_serializing_if = "is_zero")]
    pub product_license: String,
    /// Address pools for networks.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub default_address_pools: List<AddressPool>,
    /// Who filters packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall_backend: Option<FirewallInfo>,
    /// Directories of CDI specifications.
    #[serde(rename = "CDISpecDirs")]
    pub cdi_spec_dirs: List<String>,
    /// Devices that vendors describe there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discovered_devices: Vec<DeviceInfo>,
    /// containerd in Docker; absent here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containerd: Option<ContainerdInfo>,
    /// What the user should know; null if nothing.
    pub warnings: List<String>,
}

/// A device that a driver knows. Engine API v1.51 DeviceInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeviceInfo {
    /// The driver.
    pub source: String,
    /// How a container asks for it.
    #[serde(rename = "ID")]
    pub id: String,
}

/// Plugins by kind. Engine API v1.51 PluginsInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PluginsInfo {
    /// Volume drivers.
    pub volume: List<String>,
    /// Network drivers.
    pub network: List<String>,
    /// Authorization plugins.
    pub authorization: List<String>,
    /// Log drivers.
    pub log: List<String>,
}

/// Registries. Engine API v1.51 RegistryServiceConfig.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RegistryConfig {
    /// Registries by name.
    pub index_configs: Map<IndexInfo>,
    /// Networks whose registries need no TLS.
    #[serde(rename = "InsecureRegistryCIDRs")]
    pub insecure_registry_cidrs: List<String>,
    /// Mirrors of the default registry.
    pub mirrors: List<String>,
}

/// One registry. Engine API v1.51 IndexInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IndexInfo {
    /// Its mirrors.
    pub mirrors: List<String>,
    /// Its name.
    pub name: String,
    /// Whether it is Docker Hub.
    pub official: bool,
    /// Whether it needs TLS.
    pub secure: bool,
}

/// One OCI runtime. Engine API v1.51 Runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Runtime {
    /// The program.
    #[serde(skip_serializing_if = "is_zero")]
    pub path: String,
    /// Its arguments.
    #[serde(rename = "runtimeArgs", skip_serializing_if = "List::is_empty_list")]
    pub runtime_args: List<String>,
    /// What it says about itself.
    #[serde(skip_serializing_if = "Map::is_empty_map")]
    pub status: Map<String>,
}

/// Swarm membership. Engine API v1.51 SwarmInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SwarmInfo {
    /// This node.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its address.
    pub node_addr: String,
    /// `inactive`, `pending`, `active`, `error` or `locked`.
    pub local_node_state: String,
    /// Whether it is a manager.
    pub control_available: bool,
    /// What is wrong.
    pub error: String,
    /// Other managers; null.
    pub remote_managers: List<serde_json::Value>,
}

/// A commit. Engine API v1.51 Commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
}

/// One pool of network addresses. Engine API v1.51 SystemInfo.DefaultAddressPools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AddressPool {
    /// The pool in CIDR form.
    pub base: String,
    /// Prefix length of the networks cut from it.
    pub size: i64,
}

/// Who filters packets. Engine API v1.51 FirewallInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct FirewallInfo {
    /// `iptables` or `nftables`.
    pub driver: String,
    /// Facts, each `[name, value]`.
    #[serde(skip_serializing_if = "List::is_empty_list")]
    pub info: List<(String, String)>,
}

/// containerd in Docker. Engine API v1.51 ContainerdInfo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerdInfo {
    /// Socket.
    pub address: String,
    /// Namespaces.
    pub namespaces: ContainerdNamespaces,
}

/// containerd's namespaces. Engine API v1.51 ContainerdInfo.Namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ContainerdNamespaces {
    /// Of containers.
    pub containers: String,
    /// Of plugins.
    pub plugins: String,
}
