//! The engine itself on the wire: version, info, disk usage.

mod build_cache;
mod disk_usage;
mod info;
mod version;

pub use build_cache::{BuildCache, BuildPruneReport};
pub use disk_usage::DiskUsage;
pub use info::{
    AddressPool, Commit, ContainerdInfo, ContainerdNamespaces, DeviceInfo, FirewallInfo, IndexInfo, PluginsInfo,
    RegistryConfig, Runtime, SwarmInfo, SystemInfo,
};
pub use version::{ComponentVersion, PlatformVersion, SystemVersion};
