//! Containers on the wire: what create reads, what inspect, list, wait, top and the rest answer.

mod archive;
mod changes;
mod config;
mod create;
mod host_config;
mod inspect;
mod mount;
mod network_settings;
mod prune;
mod resources;
mod stats;
mod summary;
mod top;
mod wait;

pub use archive::{PathStat, PathStatError};
pub use changes::FilesystemChange;
pub use config::{ContainerConfig, HealthConfig};
pub use create::{ContainerCreateBody, ContainerCreateResponse, NetworkingConfig, SentCreateBody};
pub use host_config::{HostConfig, LogConfig, PortBinding, RestartPolicy};
pub use inspect::{ContainerInspect, ContainerState, DriverData, Health, HealthcheckResult};
pub use mount::{BindOptions, DriverConfig, ImageOptions, Mount, MountPoint, TmpfsOptions, VolumeOptions};
pub use network_settings::{Address, EndpointIpamConfig, EndpointSettings, NetworkSettings};
pub use prune::ContainerPruneReport;
pub use resources::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, UpdateBody, UpdateResponse, WeightDevice};
pub use stats::{
    BlkioEntry, BlkioStats, ContainerStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, ThrottlingData,
};
pub use summary::{ContainerBrief, ContainerSummary, Port, SummaryHostConfig, SummaryNetworkSettings};
pub use top::ContainerTop;
pub use wait::{WaitError, WaitResponse};
