//! What `GET /info` tells of the host and of this engine.

use std::fs;

use corten_api::system::{
    Commit, DeviceInfo, FirewallInfo, IndexInfo, PluginsInfo, RegistryConfig, Runtime, SwarmInfo, SystemInfo,
};
use corten_api::{List, Map};
use corten_base::Timestamp;
use corten_runtime::plan::Layout;

use crate::CgroupDriver;
use crate::cdi::Catalog;
use crate::container::phase::Phase;
use crate::core::Core;
use crate::network::files::host_name;

/// Reads a few small files; blocks.
pub(crate) fn info(core: &Core) -> SystemInfo {
    let containers = core.containers.all();
    let phases: Vec<Phase> = containers
        .iter()
        .map(|container| container.look().life.phase.clone())
        .collect();
    let count = |test: &dyn Fn(&Phase) -> bool| number(phases.iter().filter(|phase| test(phase)).count());
    let running = count(&|phase| matches!(phase, Phase::Running(_) | Phase::Restarting(_)));
    let paused = count(&|phase| matches!(phase, Phase::Paused(_)));
    let uname = rustix::system::uname();
    let v1 = core.host.layout == Layout::V1;
    let changing = core.changing();
    let directories = core.config.cdi_directories.as_deref().unwrap_or_default();
    let devices = Catalog::read(directories);
    SystemInfo {
        id: core.id.clone(),
        containers: number(containers.len()),
        containers_running: running,
        containers_paused: paused,
        containers_stopped: number(containers.len()) - running - paused,
        images: core.images.list().map_or(0, |images| number(images.len())),
        driver: "overlay2".to_owned(),
        driver_status: driver_status(core).into(),
        plugins: plugins(),
        memory_limit: true,
        swap_limit: true,
        cpu_cfs_period: true,
        cpu_cfs_quota: true,
        cpu_shares: true,
        cpu_set: true,
        pids_limit: true,
        ipv4_forwarding: flag("/proc/sys/net/ipv4/ip_forward"),
        n_fd: fs::read_dir("/proc/self/fd").map_or(0, |entries| number(entries.count())),
        oom_kill_disable: v1,
        n_goroutines: number(containers.iter().map(|container| container.clients.waiting()).sum()),
        system_time: Timestamp::now().to_string(),
        logging_driver: core.config.log_driver.clone(),
        cgroup_driver: core
            .config
            .cgroup_driver
            .map_or("cgroupfs", CgroupDriver::name)
            .to_owned(),
        cgroup_version: if v1 { "1" } else { "2" }.to_owned(),
        n_events_listener: number(core.events.listeners()),
        kernel_version: uname.release().to_string_lossy().into_owned(),
        operating_system: operating_system("PRETTY_NAME"),
        os_version: operating_system("VERSION_ID"),
        os_type: "linux".to_owned(),
        architecture: uname.machine().to_string_lossy().into_owned(),
        index_server_address: "https://index.docker.io/v1/".to_owned(),
        ncpu: std::thread::available_parallelism().map_or(1, |count| number(count.get())),
        mem_total: memory_bytes(),
        generic_resources: List::null(),
        docker_root_dir: core.config.data.display().to_string(),
        name: host_name(),
        labels: changing.labels.into(),
        server_version: core.config.version.clone(),
        runtimes: runtimes(),
        default_runtime: "runc".to_owned(),
        swarm: SwarmInfo {
            local_node_state: "inactive".to_owned(),
            ..SwarmInfo::default()
        },
        live_restore_enabled: changing.live_restore,
        init_binary: core.config.init_name.clone(),
        containerd_commit: Commit::default(),
        runc_commit: own_commit(),
        init_commit: own_commit(),
        registry_config: registries(),
        firewall_backend: Some(FirewallInfo {
            driver: "nftables".to_owned(),
            ..FirewallInfo::default()
        }),
        security_options: security_options(core).into(),
        cdi_spec_dirs: directories.iter().map(|path| path.display().to_string()).collect(),
        discovered_devices: devices.names().map(discovered).collect(),
        warnings: if devices.warnings.is_empty() {
            List::null()
        } else {
            devices.warnings.clone().into()
        },
        ..SystemInfo::default()
    }
}

fn discovered(name: &str) -> DeviceInfo {
    DeviceInfo {
        source: "cdi".to_owned(),
        id: name.to_owned(),
    }
}

/// Runtime and init are built with the engine.
fn own_commit() -> Commit {
    Commit {
        id: concat!("corten-", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn driver_status(core: &Core) -> Vec<(String, String)> {
    let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    vec![
        entry("Backing Filesystem", backing_file_system(core)),
        entry("Supports d_type", "true"),
        entry("Using metacopy", "false"),
        entry("Native Overlay Diff", "true"),
        entry("userxattr", "false"),
    ]
}

/// Docker's name for the file system below the data directory.
fn backing_file_system(core: &Core) -> &'static str {
    // Of statfs(2); the names are those of Docker's graph drivers.
    match rustix::fs::statfs(&core.config.data).map(|found| found.f_type) {
        Ok(0xef53) => "extfs",
        Ok(0x5846_5342) => "xfs",
        Ok(0x9123_683e) => "btrfs",
        Ok(0x0102_1994) => "tmpfs",
        Ok(0x794c_7630) => "overlayfs",
        Ok(0x2fc1_2fc1) => "zfs",
        Ok(0xf2f5_2010) => "f2fs",
        Ok(_) | Err(_) => "<unknown>",
    }
}

/// The registry that names without one mean, and those on this machine, which need no TLS.
fn registries() -> RegistryConfig {
    let name = "docker.io".to_owned();
    let hub = IndexInfo {
        mirrors: List::from(Vec::new()),
        name: name.clone(),
        official: true,
        secure: true,
    };
    RegistryConfig {
        index_configs: [(name, hub)].into_iter().collect(),
        insecure_registry_cidrs: ["::1/128", "127.0.0.0/8"].map(str::to_owned).into_iter().collect(),
        mirrors: List::null(),
    }
}

fn plugins() -> PluginsInfo {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<List<_>>();
    PluginsInfo {
        volume: names(&["local"]),
        network: names(crate::network::DRIVERS),
        authorization: List::null(),
        log: names(crate::logs::options::NAMES),
    }
}

fn runtimes() -> Map<Runtime> {
    let runtime = |path: &str| Runtime {
        path: path.to_owned(),
        ..Runtime::default()
    };
    [
        ("corten".to_owned(), runtime("corten-runtime")),
        ("runc".to_owned(), runtime("corten-runtime")),
    ]
    .into_iter()
    .collect()
}

fn security_options(core: &Core) -> Vec<String> {
    let mut options = Vec::new();
    if core.host.seccomp {
        options.push("name=seccomp,profile=builtin".to_owned());
    }
    if core.host.layout == Layout::V2 {
        options.push("name=cgroupns".to_owned());
    }
    if core.remapped.is_some() {
        options.push("name=userns".to_owned());
    }
    options
}

fn flag(path: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.trim() == "1")
}

fn operating_system(key: &str) -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches('"').to_owned()
}

fn memory_bytes() -> i64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes: i64 = line
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    kibibytes * 1024
}
